/** What a request says about the SHA-256 of its content: the digest in hex, nothing, or something unreadable. */
export type DeclaredDigest = { readonly sha256?: string } | { readonly problem: string };

const HEX = /^[0-9a-fA-F]{64}$/;
const MEMBER = /^sha-256=:([A-Za-z0-9+/]{43}=):$/i;

function fromHeader(header: string): DeclaredDigest {
  const member = header
    .split(',')
    .map((entry) => entry.trim())
    .find((entry) => /^sha-256=/i.test(entry));
  // Digests by other algorithms are no promise that we can check, and no fault.
  if (member === undefined) return {};
  const [, base64] = MEMBER.exec(member) ?? [];
  if (base64 === undefined) return { problem: 'Content-Digest: must be like sha-256=:<base64 of 32 bytes>:' };
  return { sha256: Buffer.from(base64, 'base64').toString('hex') };
}

/** Reads the `Content-Digest` header (RFC 9530) and the `sha256` of the query (hex); both must agree. */
export function declaredDigest(header: string | undefined, query: string | undefined): DeclaredDigest {
  if (query !== undefined && !HEX.test(query)) return { problem: 'sha256: must be 64 hexadecimal digits' };
  const byQuery = query?.toLowerCase();
  const byHeader = header === undefined ? {} : fromHeader(header);
  if ('problem' in byHeader) return byHeader;
  if (byQuery !== undefined && byHeader.sha256 !== undefined && byQuery !== byHeader.sha256) {
    return { problem: 'sha256: differs from Content-Digest' };
  }
  const sha256 = byQuery ?? byHeader.sha256;
  return sha256 === undefined ? {} : { sha256 };
}
