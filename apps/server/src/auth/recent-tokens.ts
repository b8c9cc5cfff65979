import { hashOf } from './secret.js';

const KEEP_MS = 300_000;
const MAX_ENTRIES = 10_000;

/** Which credentials were valid lately. It never makes one valid: it only says which are worth looking up. */
export class RecentTokens {
  private readonly seen = new Map<string, number>();

  add(text: string, now: Date): void {
    const key = hashOf(text).toString('base64');
    this.seen.delete(key);
    this.seen.set(key, now.getTime());
    if (this.seen.size <= MAX_ENTRIES) return;
    const [oldest] = this.seen.keys();
    if (oldest !== undefined) this.seen.delete(oldest);
  }

  has(text: string, now: Date): boolean {
    const at = this.seen.get(hashOf(text).toString('base64'));
    return at !== undefined && now.getTime() - at < KEEP_MS;
  }
}
