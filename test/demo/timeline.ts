/** What happened when, in seconds from the machine's power-on. */
export interface Timeline {
  firmware: string;
  provisioning: string;
  image: { name: string; size_bytes: number; sha256: string };
  disk_bytes: number;
  events: { event: string; seconds: number }[];
  flash: {
    bytes_fetched: number;
    bytes_written: number;
    bytes_skipped: number;
    bytes_zeroed: number;
    bytes_verified: number;
    seconds: number;
    agent_peak_rss_bytes: number;
  };
  /** What was looked at on the flashed machine and found right. */
  checks: string[];
  /** Measured durations in seconds, by what they are. */
  figures: Record<string, number>;
  swagger: string;
}

const MIB = 2 ** 20;

/** What happened, a line each. */
export function printEvents(events: Timeline['events']): void {
  process.stdout.write('\n   seconds from power-on\n');
  for (const { event, seconds } of events) process.stdout.write(`${seconds.toFixed(1).padStart(10)}  ${event}\n`);
}

export function printChecks(checks: readonly string[]): void {
  for (const check of checks) process.stdout.write(`right: ${check}\n`);
}

export function printTimeline(timeline: Timeline, format: 'json' | 'text'): void {
  if (format === 'json') {
    process.stdout.write(`${JSON.stringify(timeline, null, 2)}\n`);
    return;
  }
  const { flash } = timeline;
  printEvents(timeline.events);
  const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
  process.stdout.write(
    `\n${mib(flash.bytes_fetched)} fetched, ${mib(flash.bytes_written)} written, ${mib(flash.bytes_zeroed)} zeroed, ` +
      `${mib(flash.bytes_skipped)} right already, ${mib(flash.bytes_verified)} read back and found right ` +
      `in ${flash.seconds.toFixed(1)} s; agent at most ${mib(flash.agent_peak_rss_bytes)} of memory\n`,
  );
  printChecks(timeline.checks);
  for (const [what, seconds] of Object.entries(timeline.figures)) {
    process.stdout.write(`${seconds.toFixed(2).padStart(8)} s  ${what}\n`);
  }
}
