/** What a `Range` header asks of a representation: all of it, one part (both ends inclusive), or nothing that exists. */
export type ByteRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly first: number; readonly last: number }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: ByteRange = { kind: 'whole' };
const UNSATISFIABLE: ByteRange = { kind: 'unsatisfiable' };

/**
 * Reads a `Range` header (RFC 9110 §14). Only one range of bytes is served; several ranges, other units and anything
 * ill-formed are ignored, as the RFC allows, and get the whole.
 */
export function parseByteRange(header: string | undefined, sizeBytes: number): ByteRange {
  const match = /^bytes=[ \t]*(\d{0,19})-(\d{0,19})[ \t]*$/i.exec(header ?? '');
  if (match === null) return WHOLE;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return WHOLE;
  if (from === '') {
    const wanted = Math.min(Number(to), sizeBytes);
    return wanted === 0 ? UNSATISFIABLE : { kind: 'part', first: sizeBytes - wanted, last: sizeBytes - 1 };
  }
  const first = Number(from);
  const last = to === '' ? Number.POSITIVE_INFINITY : Number(to);
  if (last < first) return WHOLE;
  return first >= sizeBytes ? UNSATISFIABLE : { kind: 'part', first, last: Math.min(last, sizeBytes - 1) };
}
