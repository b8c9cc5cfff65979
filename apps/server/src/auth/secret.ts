import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A new credential: 32 random bytes as base64url, 43 characters. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** A new API token. What begins like this is one, for whoever scans texts for secrets. */
export function newApiToken(): string {
  return `bty_${newSecret()}`;
}

/** A new credential of a user's session. */
export function newSessionToken(): string {
  return `btys_${newSecret()}`;
}

/** Which kind of credential a text can be; undefined: none that an operator's route takes. */
export function credentialKind(text: string): 'token' | 'session' | undefined {
  if (/^bty_[A-Za-z0-9_-]{43}$/.test(text)) return 'token';
  return /^btys_[A-Za-z0-9_-]{43}$/.test(text) ? 'session' : undefined;
}

/** What is kept of a credential: its SHA-256. It is random, so a slow hash would add nothing. */
export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Compares two hashes in a time that does not tell where they differ. */
export function sameHash(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** What a page of this site says with a change, to show that it is one: no other site can read it. */
export function csrfTokenOf(sessionToken: string): string {
  return hashOf(`csrf ${sessionToken}`).toString('base64url');
}
