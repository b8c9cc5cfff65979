function lists(header: string, etag: string): boolean {
  return header.trim() === '*' || header.split(',').some((entry) => entry.trim() === etag);
}

/** Whether `If-Match` allows acting on a representation with this strong ETag; undefined: there is no representation. */
export function ifMatchHolds(header: string | undefined, etag: string | undefined): boolean {
  if (header === undefined) return true;
  return etag !== undefined && lists(header, etag);
}

/** Whether `If-None-Match` says that the reader has this representation already (weak comparison). */
export function readerHasIt(header: string | undefined, etag: string): boolean {
  return header !== undefined && lists(header.replace(/\bW\//g, ''), etag);
}

/** Whether `Range` may be honoured: `If-Range` is absent or names exactly this representation. A date never does. */
export function rangeApplies(header: string | undefined, etag: string): boolean {
  return header === undefined || header.trim() === etag;
}
