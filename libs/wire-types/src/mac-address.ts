declare const brand: unique symbol;

/** A MAC address in the one form that is stored and shown: `aa:bb:cc:dd:ee:ff`. */
export type MacAddress = string & { readonly [brand]: 'MacAddress' };

const SHAPES = [
  /^([0-9a-f]{2}[:]){5}[0-9a-f]{2}$/i,
  /^([0-9a-f]{2}[-]){5}[0-9a-f]{2}$/i,
  /^[0-9a-f]{12}$/i,
  /^([0-9a-f]{4}[.]){2}[0-9a-f]{4}$/i,
];

/**
 * Reads a MAC address in any case, separated by colons, hyphens, the dots of network gear, or nothing.
 * Returns undefined for anything else, the all-zero and the group addresses included: no network card boots with those.
 */
export function parseMacAddress(text: string): MacAddress | undefined {
  if (!SHAPES.some((shape) => shape.test(text))) return undefined;
  const digits = text.replace(/[:.-]/g, '').toLowerCase();
  const firstOctet = Number.parseInt(digits.slice(0, 2), 16);
  if (firstOctet % 2 === 1 || /^0+$/.test(digits)) return undefined;
  return (digits.match(/../g) ?? []).join(':') as MacAddress;
}
