import { Injectable } from '@nestjs/common';
import type { Caller } from '../http/index.js';

/** How long a credential is not looked up again. A revocation at another replica is felt after so long at the latest. */
const FRESH_MS = 1_000;
/** How long a credential that was valid counts as one worth looking up. */
const KNOWN_MS = 300_000;
const MAX_ENTRIES = 10_000;

/** Whose credential it is; `expiresAt`: from when on it is not valid. */
export interface Holder {
  readonly caller: Omit<Caller, 'actor'> & { readonly name: string };
  readonly expiresAt: Date | null;
}

interface Entry {
  readonly holder: Holder;
  readonly seenAt: number;
  readonly generation: number;
}

/**
 * Who has shown a valid credential lately, by its hash. For a moment it spares looking the same one up again, unless any
 * credential has been revoked at this process since: so a revocation counts from the next request on.
 */
@Injectable()
export class RecentHolders {
  private readonly entries = new Map<string, Entry>();
  private generation = 0;

  /** To be taken before a credential is looked up, and given with what was found. */
  get moment(): number {
    return this.generation;
  }

  /** The holder, if it was found out just now. */
  fresh(key: string, now: Date): Holder | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || entry.generation !== this.generation) return undefined;
    const { holder, seenAt } = entry;
    if (Math.abs(now.getTime() - seenAt) >= FRESH_MS) return undefined;
    return holder.expiresAt !== null && holder.expiresAt <= now ? undefined : holder;
  }

  /** Whether it was valid lately: then it is worth looking up, whoever else guesses from the same address. */
  isKnown(key: string, now: Date): boolean {
    const entry = this.entries.get(key);
    return entry !== undefined && now.getTime() - entry.seenAt < KNOWN_MS;
  }

  /** Notes what was found by a look that began at a {@link moment}. */
  add(key: string, holder: Holder, moment: number, now: Date): void {
    this.entries.delete(key);
    this.entries.set(key, { holder, seenAt: now.getTime(), generation: moment });
    if (this.entries.size <= MAX_ENTRIES) return;
    const [oldest] = this.entries.keys();
    if (oldest !== undefined) this.entries.delete(oldest);
  }

  /** Credentials have been revoked or changed: from now on each is looked up anew. */
  lookAgain(): void {
    this.generation += 1;
  }
}
