/** The head of an HTTP/1.1 answer; names of headers in lower case, the last of several wins. */
export interface HttpHead {
  status: number;
  headers: ReadonlyMap<string, string>;
}

/** Bytes of a head that are read at most. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** Reads the head of an answer (RFC 9112), without the empty line that ends it; undefined when it is none. */
export function parseHead(text: string): HttpHead | undefined {
  const [statusLine, ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine ?? '')?.[1];
  if (status === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (field?.[1] === undefined || field[2] === undefined) return undefined;
    headers.set(field[1].toLowerCase(), field[2]);
  }
  return { status: Number(status), headers };
}
