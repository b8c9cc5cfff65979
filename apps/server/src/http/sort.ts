import { invalidFields } from './validation.js';

/** Where a page begins: behind the record with this key, which had this value in the column that is sorted by. */
export interface PageStart {
  readonly value: string;
  readonly key: string;
}

/** By which field a list is sorted. */
export interface Sort<F extends string> {
  readonly field: F;
  readonly descending: boolean;
}

/** Reads `FIELD` or `-FIELD` (descending). Throws INVALID_REQUEST. */
export function readSort<F extends string>(text: string, fields: readonly F[]): Sort<F> {
  const descending = text.startsWith('-');
  const field = fields.find((one) => one === (descending ? text.slice(1) : text));
  if (field === undefined) {
    throw invalidFields([
      { field: 'sort', problem: `must be one of ${fields.join(', ')}, with a - before it to go down` },
    ]);
  }
  return { field, descending };
}

/** The text for `after` of a page that is not sorted by the key alone. */
export function writePageStart({ value, key }: PageStart): string {
  return Buffer.from(JSON.stringify([value, key])).toString('base64url');
}

/** Reads what {@link writePageStart} wrote of a column of this kind. Throws INVALID_REQUEST. */
export function readPageStart(text: string, kind: 'text' | 'integer'): PageStart {
  try {
    const [value, key] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown[];
    const right = typeof value === 'string' && (kind === 'text' || /^\d{1,18}$/.test(value));
    if (right && typeof key === 'string') return { value, key };
  } catch {
    // not even JSON: the same answer
  }
  throw invalidFields([{ field: 'after', problem: 'must be taken from the Link header of the page before' }]);
}
