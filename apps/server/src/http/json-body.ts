import type { IncomingMessage } from 'node:http';
import { BtyError } from '@bty/wire-types';
import { invalidFields } from './validation.js';

const LIMIT_BYTES = 1024 * 1024;
/** Deeper than anything that the API takes, and far from what would exhaust the stack of whoever walks through it. */
const MAX_DEPTH = 32;
/** Names that every object has: who sends them as fields is after something else. */
const FORBIDDEN_FIELDS = new Set(['__proto__', 'constructor', 'prototype']);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** Whether JSON text nests deeper than `limit`. Brackets within strings do not count. */
export function nestsDeeperThan(limit: number, json: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index] ?? 0;
    if (inString) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (OPENING.has(byte)) depth += 1;
    else if (CLOSING.has(byte)) depth -= 1;
    if (depth > limit) return true;
  }
  return false;
}

/** Whether files are uploaded to the path of a request. */
function takesFiles({ url = '' }: IncomingMessage): boolean {
  return /^\/((images|workflows)\/|flash-jobs\/[^/]+\/report(\?|$))/.test(url);
}

/** Whether the body of a request is the bytes of an image, a workflow or a report, which nobody but the upload may read. */
export function isUpload(request: IncomingMessage): boolean {
  return request.method === 'PUT' && takesFiles(request);
}

function isJson(request: IncomingMessage): boolean {
  return /^application\/([\w.+-]+\+)?json\b/i.test(request.headers['content-type'] ?? '');
}

/**
 * Throws for content that is not JSON: it would be taken for none, and a PUT without content resets a record.
 * The completion signal of a script has no content that counts, so any will do there.
 */
export function refuseOtherContent(request: IncomingMessage): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  const hasContent = encoding !== undefined || Number(length) > 0;
  if (!hasContent || isJson(request) || takesFiles(request) || request.url?.startsWith('/pxe/')) return;
  throw new BtyError('INVALID_REQUEST', 'content must be JSON, with the header Content-Type: application/json');
}

/** Options of the parser of JSON bodies. */
export const JSON_BODY = {
  limit: LIMIT_BYTES,
  type: (request: IncomingMessage) => isJson(request) && !isUpload(request),
  verify: (_request: unknown, _response: unknown, body: Buffer) => {
    if (nestsDeeperThan(MAX_DEPTH, body))
      throw new BtyError('INVALID_REQUEST', `content nests deeper than ${MAX_DEPTH}`);
  },
};

/** Throws for content with a field of a name that every object has; the validation would not see it. */
export function refuseForbiddenFields(content: unknown): void {
  if (typeof content !== 'object' || content === null) return;
  for (const [field, value] of Object.entries(content)) {
    if (FORBIDDEN_FIELDS.has(field)) throw invalidFields([{ field, problem: `property ${field} should not exist` }]);
    refuseForbiddenFields(value);
  }
}
