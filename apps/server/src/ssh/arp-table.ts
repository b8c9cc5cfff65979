/** The address that the kernel's table of neighbours (`/proc/net/arp`, proc(5)) knows for a MAC address, if any. */
export function neighbourAddress(table: string, mac: string): string | undefined {
  for (const line of table.split('\n').slice(1)) {
    const [address, , flags, hardware] = line.trim().split(/\s+/);
    // Flag 2 is ATF_COM: the neighbour has answered.
    if (hardware?.toLowerCase() === mac && (Number(flags) & 2) !== 0) return address;
  }
  return undefined;
}
