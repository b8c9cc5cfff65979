import { type Document, isMap, parseDocument } from 'yaml';

/** A mapping read from YAML, or what is wrong with the text. */
export type MappingReading =
  | { readonly document: Document; readonly mapping: Readonly<Record<string, unknown>>; readonly problem?: undefined }
  | { readonly document?: undefined; readonly mapping?: undefined; readonly problem: string };

/** More than any person writes, and few enough that aliases of aliases cannot fill the memory. */
const MAX_ALIASES = 100;

function firstFault(document: Document): string | undefined {
  const unknownTag = document.warnings.find(({ code }) => code === 'TAG_RESOLVE_FAILED');
  const fault = document.errors[0] ?? unknownTag;
  if (fault === undefined) return undefined;
  // The parser goes on with an excerpt of the text, which may hold a secret.
  return fault.message.split('\n')[0]?.replace(/:$/, '');
}

/**
 * Reads a text as cloud-init does, which is by the rules of YAML 1.1, and expects a mapping; an empty text is an empty
 * one. Problems name the line and do not quote the text.
 */
export function readMapping(text: string): MappingReading {
  const document: Document = parseDocument(text, { version: '1.1', merge: true, logLevel: 'silent' });
  const fault = firstFault(document);
  if (fault !== undefined) return { problem: `is not valid YAML: ${fault}` };
  if (document.contents === null) document.contents = document.createNode({});
  if (!isMap(document.contents)) return { problem: 'must be a YAML mapping, one `key: value` a line' };
  try {
    return { document, mapping: document.toJS({ maxAliasCount: MAX_ALIASES }) as Record<string, unknown> };
  } catch {
    return { problem: 'is not usable YAML: it has too many aliases, or one without an anchor' };
  }
}
