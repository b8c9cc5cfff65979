/** What is known of where a machine's system may answer; null or undefined is nothing. */
export interface KnownAddresses {
  /** What its record says. */
  readonly sshHost: string | null;
  /** Where its own system reported from after its first boot. */
  readonly bootedIp: string | null;
  /** What the server's table of neighbours has for its MAC address. */
  readonly neighbourIp: string | undefined;
  /** Where it was seen last, by PXE or by its agent. */
  readonly lastSeenIp: string | null;
}

/** An address to try, and why. */
export interface AddressCandidate {
  readonly address: string;
  readonly source: 'ssh_host' | 'booted' | 'neighbours' | 'last_seen';
}

/**
 * Where to look for a machine's system, best first. What the record names counts alone. The others may be wrong, since the
 * firmware's lease need not be the system's: whoever answers has to prove that it is the machine.
 */
export function addressCandidates(known: KnownAddresses): AddressCandidate[] {
  if (known.sshHost !== null) return [{ address: known.sshHost, source: 'ssh_host' }];
  const all = [
    { address: known.bootedIp, source: 'booted' },
    { address: known.neighbourIp, source: 'neighbours' },
    { address: known.lastSeenIp, source: 'last_seen' },
  ] as const;
  const found: AddressCandidate[] = [];
  for (const { address, source } of all) {
    if (address && !found.some((other) => other.address === address)) found.push({ address, source });
  }
  return found;
}
