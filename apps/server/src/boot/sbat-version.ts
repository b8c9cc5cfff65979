/**
 * The version that an iPXE of Debian's states of itself, from its SBAT section: the component `ipxe` of its upstream, as
 * `${version}` shows it (shim, SBAT.md). Undefined when the binary has none.
 */
export function sbatIpxeVersion(binary: Buffer): string | undefined {
  return /\nipxe,\d+,iPXE,[^,\n]*,([A-Za-z0-9.+~_-]+),/.exec(binary.toString('latin1'))?.[1];
}
