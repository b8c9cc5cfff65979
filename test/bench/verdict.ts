import type { Outcome, Run } from './contest.ts';
import { median, spread } from './statistics.ts';

/** What is compared, and how far ours has to be ahead. */
export interface RowSpec {
  readonly name: string;
  /** What the row measures, for people. */
  readonly title: string;
  /** Ours in its contest. */
  readonly ours: string;
  /** The tools that it is compared with; the fastest of them that ends correct sets the bar. */
  readonly peers: readonly string[];
  /** Tools of the contest that are shown but set no bar. */
  readonly shown?: readonly string[];
  /** The largest ratio of medians that is good enough; none for a row that is only printed. */
  readonly target?: number;
  /** The peers' time includes hashing the disk afterwards. */
  readonly withReadBack?: boolean;
}

export interface PeerResult {
  readonly tool: string;
  readonly seconds: number | null;
  readonly runs: number;
  readonly spread: number | null;
  readonly problem: string | null;
}

/** A finished row. Times are medians in seconds; `ratio` is ours against the bar; null where there is nothing to say. */
export interface RowResult {
  readonly name: string;
  readonly title: string;
  readonly ours_tool: string;
  readonly ours: number | null;
  readonly ours_runs: number;
  readonly ours_spread: number | null;
  readonly ours_problem: string | null;
  readonly ours_peak_rss_bytes: number | null;
  readonly peers: readonly PeerResult[];
  readonly bar: string | null;
  readonly ratio: number | null;
  readonly target: number | null;
  readonly met: boolean | null;
}

const plain = (run: Run): number => run.seconds;
const hashed = (run: Run): number => run.seconds + (run.readBackSeconds ?? Number.NaN);

function summary(tool: string, outcome: Outcome | undefined, timeOf: (run: Run) => number): PeerResult {
  const times = outcome?.runs.map(timeOf) ?? [];
  return {
    tool,
    seconds: times.length > 0 ? median(times) : null,
    runs: times.length,
    spread: times.length > 1 ? spread(times) : null,
    problem: outcome === undefined ? 'was not run' : (outcome.problem ?? null),
  };
}

function fastestCorrect(results: readonly PeerResult[]): (PeerResult & { seconds: number }) | undefined {
  return results
    .filter((one): one is PeerResult & { seconds: number } => one.problem === null && one.seconds !== null)
    .toSorted((a, b) => a.seconds - b.seconds)[0];
}

/** Judges a row. Ours never meets a target when one of its runs failed or left the disk unequal, nor without a bar. */
export function judgeRow(row: RowSpec, outcomes: readonly Outcome[]): RowResult {
  const find = (tool: string): Outcome | undefined => outcomes.find((one) => one.tool === tool);
  const own = find(row.ours);
  const ours = summary(row.ours, own, plain);
  const peers = row.peers.map((tool) => summary(tool, find(tool), row.withReadBack === true ? hashed : plain));
  const shown = (row.shown ?? []).map((tool) => summary(tool, find(tool), plain));
  const bar = fastestCorrect(peers);
  const good = ours.problem === null && ours.seconds !== null && bar !== undefined;
  const ratio = good && ours.seconds !== null ? ours.seconds / bar.seconds : null;
  const memory = (own?.runs ?? []).map((run) => run.peakRssBytes ?? 0);
  return {
    name: row.name,
    title: row.title,
    ours_tool: row.ours,
    ours: ours.seconds,
    ours_runs: ours.runs,
    ours_spread: ours.spread,
    ours_problem: ours.problem,
    ours_peak_rss_bytes: memory.length > 0 ? Math.max(...memory) : null,
    peers: [...peers, ...shown],
    bar: bar?.tool ?? null,
    ratio,
    target: row.target ?? null,
    met: row.target === undefined ? null : ratio !== null && ratio <= row.target,
  };
}
