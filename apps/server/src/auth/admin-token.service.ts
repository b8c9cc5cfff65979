import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { ApiTokensRepository } from './api-tokens.repository.js';
import { newSecret } from './secret.js';

const NAME = 'admin';
const SHAPE = /^bty_[A-Za-z0-9_-]{43}$/;

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

  /** Creates the admin token when there is none; returns it then, to be shown once. */
  async ensure(): Promise<string | undefined> {
    if (await this.tokens.exists(NAME)) return undefined;
    // A new database beside a kept state directory: what its operator has in hand goes on working.
    const kept = this.kept();
    if (kept === undefined) return this.renew();
    await this.tokens.replace(NAME, kept);
    return undefined;
  }

  /** Revokes the admin token and creates another; returns it, to be shown once. */
  async renew(): Promise<string> {
    const token = `bty_${newSecret()}`;
    // The file first: a token that is valid but written nowhere would lock everybody out.
    this.write(token);
    await this.tokens.replace(NAME, token);
    return token;
  }

  private kept(): string | undefined {
    try {
      const text = readFileSync(this.file, 'utf8').trim();
      return SHAPE.test(text) ? text : undefined;
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
