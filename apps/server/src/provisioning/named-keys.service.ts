import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BtyError } from '@bty/wire-types';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Private keys that the server's operator has put into `$BTY_STATE_DIR/ssh-keys`, for images that know no other. */
@Injectable()
export class NamedKeys {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** The private key of this name, in a format that OpenSSH reads. Throws NOT_FOUND. */
  async privateKey(name: string): Promise<string> {
    if (!NAME.test(name)) throw this.missing(name);
    try {
      return await readFile(join(this.folder, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw this.missing(name);
      throw error;
    }
  }

  /** What is wrong with the name of a key; undefined when there is one that looks like a private key. */
  async problemWith(name: string): Promise<string | undefined> {
    try {
      const text = await this.privateKey(name);
      return /^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)
        ? undefined
        : `${name} in ${this.folder} is no private key`;
    } catch (error) {
      if (error instanceof BtyError && error.code === 'NOT_FOUND') return error.message;
      throw error;
    }
  }

  private get folder(): string {
    return join(this.config.stateDir, 'ssh-keys');
  }

  private missing(name: string): BtyError {
    return new BtyError('NOT_FOUND', `there is no key ${JSON.stringify(name)} in ${this.folder}`);
  }
}
