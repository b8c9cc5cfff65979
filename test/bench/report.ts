import type { PeerResult, RowResult } from './verdict.ts';

const MIB = 2 ** 20;

const seconds = (value: number | null): string => (value === null ? '-' : `${value.toFixed(2)} s`).padStart(9);
const percent = (value: number | null): string => (value === null ? '' : `±${Math.round(value * 100)} %`).padEnd(6);

function toolLine(one: PeerResult, remark: string): string {
  const problem = one.runs === 0 ? one.problem : `WRONG: ${one.problem}`;
  const last = one.problem === null ? remark : problem;
  return `  ${one.tool.padEnd(32)}${seconds(one.seconds)}  ${percent(one.spread)} n=${one.runs}  ${last}`.trimEnd();
}

function verdictLine(row: RowResult): string {
  const ratio = row.ratio === null ? 'no ratio' : `ratio ${row.ratio.toFixed(2)}`;
  if (row.target === null) return `  ${ratio}, no target`;
  return `  ${ratio}, target ${row.target.toFixed(2)}: ${row.met === true ? 'met' : 'NOT MET'}`;
}

/** A finished row with all its tools, for people. */
export function rowText(row: RowResult): string {
  const memory = row.ours_peak_rss_bytes ? `${Math.round(row.ours_peak_rss_bytes / MIB)} MiB at most` : '';
  const ours = { tool: row.ours_tool, seconds: row.ours, runs: row.ours_runs, spread: row.ours_spread };
  return [
    `${row.title}   [${row.name}]`,
    toolLine({ ...ours, problem: row.ours_problem }, memory),
    ...row.peers.map((peer) => toolLine(peer, peer.tool === row.bar ? 'the bar' : '')),
    verdictLine(row),
  ].join('\n');
}

/** All rows in one table. */
export function summaryText(rows: readonly RowResult[]): string {
  const line = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(24) : cell.padStart(10))).join('');
  const cells = rows.map((row) => [
    row.name,
    seconds(row.ours).trim(),
    seconds(row.peers.find(({ tool }) => tool === row.bar)?.seconds ?? null).trim(),
    row.ratio?.toFixed(2) ?? '-',
    row.target?.toFixed(2) ?? '-',
    row.met === null ? '-' : row.met ? 'yes' : 'NO',
  ]);
  const judged = rows.filter(({ met }) => met !== null);
  const total = `${judged.filter(({ met }) => met === true).length} of ${judged.length} targets met`;
  return [line(['row', 'ours', 'bar', 'ratio', 'target', 'met']), ...cells.map(line), total].join('\n');
}
