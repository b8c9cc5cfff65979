import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { type RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { GuessCounts } from './guess-counts.repository.js';
import { networkOf } from './network-of.js';

/** Logins of one user from one address; a right password starts it anew. */
const LOGINS_PER_MINUTE = 5;
/** Logins from one address, right or wrong. */
const LOGINS_PER_ADDRESS = 60;
const LOGINS_PER_ADDRESS_SECONDS = 300;
/** Credentials from one address that were not valid. */
const WRONG_TOKENS_PER_MINUTE = 60;

function tooMany(thrown: unknown, what: string): unknown {
  if (!(thrown instanceof RateLimiterRes)) return thrown;
  const seconds = Math.max(1, Math.ceil(thrown.msBeforeNext / 1000));
  return new BtyError('TOO_MANY_REQUESTS', `too many ${what}; try again in ${seconds} s`, {
    details: { retry_after_seconds: seconds },
  });
}

/** Slows down who guesses credentials, at all servers together. */
@Injectable()
export class GuessingLimits {
  private readonly logins: RateLimiterPostgres;
  private readonly addresses: RateLimiterPostgres;
  private readonly wrongTokens: RateLimiterPostgres;

  constructor(private readonly counts: GuessCounts) {
    const perAddress = { points: LOGINS_PER_ADDRESS, seconds: LOGINS_PER_ADDRESS_SECONDS };
    this.addresses = counts.limiter({ what: 'address', ...perAddress });
    this.logins = counts.limiter({ what: 'login', points: LOGINS_PER_MINUTE, seconds: 60 });
    this.wrongTokens = counts.limiter({ what: 'token', points: WRONG_TOKENS_PER_MINUTE, seconds: 60 });
  }

  /** Counts an attempt to log in, before the password is looked at. Throws TOO_MANY_REQUESTS. */
  async beforeLogin(username: string, ip: string): Promise<void> {
    try {
      await this.addresses.consume(this.keyOf(ip));
      await this.logins.consume(this.keyOf(ip, username));
    } catch (thrown) {
      throw tooMany(thrown, 'attempts to log in');
    }
  }

  async afterLogin(username: string, ip: string): Promise<void> {
    await this.logins.delete(this.keyOf(ip, username));
  }

  /** Counts a credential that is not valid. Throws TOO_MANY_REQUESTS in place of saying so once there were many. */
  async wrongToken(ip: string): Promise<void> {
    try {
      await this.wrongTokens.consume(this.keyOf(ip));
    } catch (thrown) {
      throw tooMany(thrown, 'credentials that are not valid');
    }
  }

  /** As {@link wrongToken} for who is told nothing: false once there were many. */
  async noteWrongToken(ip: string): Promise<boolean> {
    const { consumedPoints } = await this.wrongTokens.penalty(this.keyOf(ip));
    return consumedPoints <= WRONG_TOKENS_PER_MINUTE;
  }

  /** Whether an address has shown so many wrong credentials that no more of its are looked up. */
  async isGuessing(ip: string): Promise<boolean> {
    const found = await this.wrongTokens.get(this.keyOf(ip));
    return found !== null && found.consumedPoints > WRONG_TOKENS_PER_MINUTE;
  }

  private keyOf(ip: string, ...more: readonly string[]): string {
    return this.counts.keyOf(networkOf(ip), ...more);
  }
}
