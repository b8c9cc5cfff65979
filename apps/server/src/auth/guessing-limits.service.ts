import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
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

/** Slows down who guesses credentials. Counts are of this process; a restart forgets them. */
@Injectable()
export class GuessingLimits {
  private readonly logins = new RateLimiterMemory({ points: LOGINS_PER_MINUTE, duration: 60 });
  private readonly addresses = new RateLimiterMemory({
    points: LOGINS_PER_ADDRESS,
    duration: LOGINS_PER_ADDRESS_SECONDS,
  });
  private readonly wrongTokens = new RateLimiterMemory({ points: WRONG_TOKENS_PER_MINUTE, duration: 60 });

  /** Counts an attempt to log in, before the password is looked at. Throws TOO_MANY_REQUESTS. */
  async beforeLogin(username: string, ip: string): Promise<void> {
    try {
      await this.addresses.consume(networkOf(ip));
      await this.logins.consume(`${networkOf(ip)} ${username}`);
    } catch (thrown) {
      throw tooMany(thrown, 'attempts to log in');
    }
  }

  async afterLogin(username: string, ip: string): Promise<void> {
    await this.logins.delete(`${networkOf(ip)} ${username}`);
  }

  /** Counts a credential that is not valid. Throws TOO_MANY_REQUESTS in place of saying so once there were many. */
  async wrongToken(ip: string): Promise<void> {
    try {
      await this.wrongTokens.consume(networkOf(ip));
    } catch (thrown) {
      throw tooMany(thrown, 'credentials that are not valid');
    }
  }

  /** As {@link wrongToken} for who is told nothing: false once there were many. */
  async noteWrongToken(ip: string): Promise<boolean> {
    const { consumedPoints } = await this.wrongTokens.penalty(networkOf(ip));
    return consumedPoints <= WRONG_TOKENS_PER_MINUTE;
  }

  /** Whether an address has shown so many wrong credentials that no more of its are looked up. */
  async isGuessing(ip: string): Promise<boolean> {
    const found = await this.wrongTokens.get(networkOf(ip));
    return found !== null && found.consumedPoints > WRONG_TOKENS_PER_MINUTE;
  }
}
