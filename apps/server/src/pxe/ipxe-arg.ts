import { BtyError } from '@bty/wire-types';

// What a URL, a MAC address, a token and a kernel argument are made of. No blank, quote, `$`, `{`, `&`, `|`, `;`, `#`
// or control character: iPXE would take those for syntax.
const SAFE = /^[A-Za-z0-9_.,:=/+@%[\]~-]+$/;

/**
 * A word that stands in an iPXE script for itself. Every value that comes from outside goes through here; one that
 * could be read as anything else is refused (INTERNAL: whoever called should have checked it before).
 */
export function ipxeArg(text: string): string {
  if (!SAFE.test(text)) throw new BtyError('INTERNAL', `${JSON.stringify(text)} cannot stand in an iPXE script`);
  return text;
}

/** A text for an `echo` line: characters that could be read as syntax become `?`. */
export function ipxeText(text: string): string {
  return text.replace(/[^A-Za-z0-9_.,:=/+@ ()-]/g, '?');
}
