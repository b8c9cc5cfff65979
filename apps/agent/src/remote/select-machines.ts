import { BtyError, parseMacAddress } from '@bty/wire-types';

/** Which machines a word on the command line means. */
export type Selector =
  | { kind: 'mac'; mac: string }
  | { kind: 'tags'; tags: string[] }
  | { kind: 'hostname'; hostname: string };

const HOSTNAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i;

/** Reads a MAC address, `tag=NAME[,tag=NAME…]` (all of them), or a hostname. Throws `INVALID_REQUEST`. */
export function parseSelector(text: string): Selector {
  const mac = parseMacAddress(text);
  if (mac !== undefined) return { kind: 'mac', mac };
  if (text.startsWith('tag=')) {
    const tags = text.split(',').map((part) => (part.startsWith('tag=') ? part.slice('tag='.length) : ''));
    if (tags.every((tag) => tag !== '')) return { kind: 'tags', tags };
  } else if (HOSTNAME.test(text)) return { kind: 'hostname', hostname: text };
  throw new BtyError(
    'INVALID_REQUEST',
    `not a machine: ${text} (a MAC address, a hostname, or tag=NAME[,tag=NAME...])`,
  );
}
