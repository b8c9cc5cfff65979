import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';

// argon2id; the parameters of OWASP's Password Storage Cheat Sheet.
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashes passwords, one at a time: each takes 19 MiB and a thread that files are read by, too. */
@Injectable()
export class Passwords {
  private turn: Promise<unknown> = Promise.resolve();
  /** What is compared with when there is no such user, so that the answer takes as long. */
  private nobody: Promise<string> | undefined;

  /** What is kept of a password: argon2id in the PHC string format. */
  async hash(password: string): Promise<string> {
    return this.inTurn(() => hash(password, PARAMETERS));
  }

  /** Whether a password is the one that was kept. Takes the same time when none was. */
  async matches(password: string, kept: string | undefined): Promise<boolean> {
    this.nobody ??= this.hash('nobody has this password');
    const other = await this.nobody;
    return this.inTurn(async () => (await verify(kept ?? other, password)) && kept !== undefined);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work, work);
    this.turn = done.catch(() => undefined);
    return done;
  }
}
