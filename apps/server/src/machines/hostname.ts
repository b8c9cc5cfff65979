import { isIP } from 'node:net';

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';

/** A host name of RFC 1123: labels of letters, digits and inner hyphens, 253 characters in all. */
export const HOSTNAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);

/** Whether a text names a host: a name of RFC 1123 or an IP address. */
export function isHost(text: string): boolean {
  return HOSTNAME.test(text) || isIP(text) !== 0;
}
