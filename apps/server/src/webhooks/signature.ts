import { createHmac, randomBytes } from 'node:crypto';

const SECRET_BYTES = 32;
const PREFIX = 'whsec_';

/** A new key for signatures, base64. */
export function newWebhookSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64');
}

/** The key as receivers' libraries take it. */
export function shownSecret(secret: string): string {
  return `${PREFIX}${secret}`;
}

/**
 * The headers of a delivery, as https://www.standardwebhooks.com has them: an HMAC-SHA256 over id, time and body. `now` is
 * in milliseconds; the signed time is in seconds.
 */
export function signedHeaders(secret: string, id: string, body: string, now: number): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const key = Buffer.from(secret, 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
