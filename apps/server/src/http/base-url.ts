import { isIP } from 'node:net';

// A host name or an IPv4 address, or an IPv6 address in brackets; then perhaps a port.
const HOST = /^(?:([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)|\[([0-9A-Fa-f:.]{2,45})\])(?::(\d{1,5}))?$/;

/** Where a request came in. */
export interface LocalEnd {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

function validHost(header: string | undefined): string | undefined {
  const match = HOST.exec(header ?? '');
  if (match === null) return undefined;
  const [whole, , ipv6, port] = match;
  if (ipv6 !== undefined && isIP(ipv6) !== 6) return undefined;
  if (port !== undefined && (Number(port) === 0 || Number(port) > 65_535)) return undefined;
  return whole;
}

/**
 * The address that a machine is told: the configured one, else the one that it asked (its `Host` header, when that is
 * nothing but a host and a port), else the one its connection came in on. Nothing else ever gets into a script.
 */
export function baseUrlFor(
  publicUrl: string | undefined,
  host: string | undefined,
  local: LocalEnd,
  scheme: 'http' | 'https' = 'http',
): string {
  if (publicUrl !== undefined) return publicUrl;
  const asked = validHost(host);
  if (asked !== undefined) return `${scheme}://${asked}`;
  const address = (local.localAddress ?? '127.0.0.1').replace(/^::ffff:/, '').replace(/%.*$/, '');
  return `${scheme}://${isIP(address) === 6 ? `[${address}]` : address}:${local.localPort ?? (scheme === 'http' ? 80 : 443)}`;
}
