/** The name under which a machine's host keys stand: it has no other that would outlast its addresses. */
export const HOST_ALIAS = 'bty';

/** A `known_hosts` file (sshd(8)) of keys, `TYPE BASE64` each. */
export function knownHosts(hostKeys: readonly string[]): string {
  return hostKeys.map((key) => `${HOST_ALIAS} ${key}\n`).join('');
}

/** The keys of such a file, as ssh has added to it. */
export function readKnownHosts(text: string): string[] {
  const lines = text.split('\n').map((line) => line.split(' '));
  return lines.flatMap(([alias, type, key]) => (alias === HOST_ALIAS && type && key ? [`${type} ${key}`] : []));
}
