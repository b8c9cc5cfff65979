/** Why the containers cannot be tested on a host: those tests are skipped, and say it. */

export interface Host {
  uid: number | undefined;
  /** Whether a command can be run, told by the words that ask it for its version. */
  runs(...words: string[]): boolean;
}

/** What is missing beforehand; undefined when an engine can be tried. */
export function obstacle({ uid, runs }: Host): string | undefined {
  if (uid !== 0) return 'an engine and networks of its own need root';
  if (!runs('dockerd', '--version')) return 'there is no dockerd';
  if (!runs('docker', '--version')) return 'there is no docker';
  if (!runs('docker', 'compose', 'version') && !runs('docker-compose', 'version')) return 'there is no Compose';
  return undefined;
}

/** The last line of an engine's log that says something, without the time and level that logrus puts before it. */
export function lastWords(log: string): string {
  const last = log.trim().split('\n').at(-1) ?? '';
  const [, quoted] = /^time="[^"]*" level=\w+ msg=("(?:[^"\\]|\\.)*")/.exec(last) ?? [];
  return (quoted === undefined ? last : (JSON.parse(quoted) as string)) || 'it says nothing';
}
