import { isIP } from 'node:net';

/** A setting that cannot be used; the message names the variable and says what it takes. */
export class SettingError extends Error {
  override readonly name = 'SettingError';

  constructor(variable: string, problem: string) {
    super(`${variable}: ${problem}`);
  }
}

/** One setting of the server: an environment variable, what it takes, and what it is when it is not given. */
export interface Setting<T> {
  /** For people: what it does, with its unit. */
  readonly says: string;
  /** For people: what holds when the variable is not set. */
  readonly otherwise: string;
  /** Whether `<NAME>_FILE` may name a file that holds the value. */
  readonly secret?: boolean;
  /** Turns the text into the value; throws an Error that says what the setting takes. */
  readonly parse: (text: string) => T;
}

/** A whole number within bounds, both inclusive. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new Error(`must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`);
    }
    return value;
  };
}

/** A base address without a path, query, credentials or trailing slash. */
export function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.origin !== text.replace(/\/$/, '')) {
    throw new Error(`must be like http://10.0.0.1:8080, without a path, not ${JSON.stringify(text)}`);
  }
  return url.origin;
}

/** An address of one of the given schemes. The text itself is never shown: it may carry a password. */
export function addressOf(...schemes: string[]): (text: string) => string {
  return (text) => {
    if (!URL.canParse(text) || !schemes.includes(new URL(text).protocol)) {
      throw new Error(`must be an address that starts with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`);
    }
    return text;
  };
}

/** Words for the kernel command line: printable ASCII without what iPXE or a shell would interpret. */
export function kernelArguments(text: string): string {
  const words = text.split(' ').filter((word) => word !== '');
  const bad = words.find((word) => !/^[A-Za-z0-9_.,:=/+@%-]+$/.test(word));
  if (bad !== undefined) throw new Error(`may hold letters, digits and _.,:=/+@%- only, not ${JSON.stringify(bad)}`);
  return words.join(' ');
}

/** One of a few words. */
export function oneOf<T extends string>(...words: T[]): (text: string) => T {
  return (text) => {
    const word = words.find((known) => known === text);
    if (word === undefined) throw new Error(`must be one of ${words.join(', ')}, not ${JSON.stringify(text)}`);
    return word;
  };
}

/** Addresses and networks, separated by commas: `10.0.0.5, 10.1.0.0/16, fd00::/8`. */
export function networks(text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim());
  for (const entry of entries) {
    const [address = '', prefix, ...rest] = entry.split('/');
    const family = isIP(address);
    const bits = Number(prefix ?? 0);
    const valid =
      family !== 0 && rest.length === 0 && /^\d{1,3}$/.test(prefix ?? '0') && bits <= (family === 4 ? 32 : 128);
    if (!valid) throw new Error(`must be addresses or networks like 10.1.0.0/16, not ${JSON.stringify(entry)}`);
  }
  return entries;
}

/** A password as a login takes it. The text itself is never shown. */
export function password(text: string): string {
  if (text.length < 10 || text.length > 256) throw new Error('must be 10 to 256 characters');
  return text;
}

/** A path or a name, as it is. */
export function plainText(text: string): string {
  return text;
}
