import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { ApiTokensRepository } from './api-tokens.repository.js';
import { credentialKind, newApiToken } from './secret.js';

const NAME = 'admin';
const WISH = { name: NAME, role: 'admin', pool: null, expiresAt: null } as const;
const SERVER = { name: 'server' } as const;

/** The first credential of an installation, in `$BTY_STATE_DIR/admin-token`. */
@Injectable()
export class AdminTokenService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly tokens: ApiTokensRepository,
  ) {}

  get file(): string {
    return join(this.config.stateDir, 'admin-token');
  }

  /** Creates the admin token of a new installation; returns it then, to be shown once. One that was revoked stays so. */
  async ensure(): Promise<string | undefined> {
    if (await this.tokens.hasHad(NAME)) return undefined;
    // A new database beside a kept state directory: what its operator has in hand goes on working.
    const kept = this.kept();
    if (kept === undefined) return this.renew();
    await this.tokens.replace(WISH, kept, SERVER);
    return undefined;
  }

  /** Whether there is an admin token that is not revoked. */
  async isValid(): Promise<boolean> {
    return this.tokens.exists(NAME);
  }

  /** Revokes the admin token and creates another; returns it, to be shown once. */
  async renew(): Promise<string> {
    const token = newApiToken();
    // The file first: a token that is valid but written nowhere would lock everybody out.
    this.write(token);
    await this.tokens.replace(WISH, token, SERVER);
    return token;
  }

  private kept(): string | undefined {
    try {
      const text = readFileSync(this.file, 'utf8').trim();
      return credentialKind(text) === 'token' ? text : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  private write(token: string): void {
    const fresh = `${this.file}.new`;
    const file = openSync(fresh, 'w', 0o600);
    try {
      writeSync(file, `${token}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, this.file);
  }
}
