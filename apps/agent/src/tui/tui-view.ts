import { pageOf } from './tui-pages.js';
import type { TuiState, TuiStep } from './tui-state.js';

const MIN_COLUMNS = 60;
const MIN_ROWS = 16;
/** Title, origin, rule above; notice, rule, keys below. */
const FRAME_ROWS = 6;
const STEPS: Record<TuiStep['screen'], string> = {
  images: '1/4',
  disks: '2/4',
  provisioning: '3/4',
  confirm: '4/4',
  flashing: '',
  result: '',
};

function noticeOf({ notice, root, agent }: TuiState): string {
  if (notice !== '') return notice;
  if (agent !== undefined && agent.outcome !== '' && agent.job === undefined)
    return agent.outcome.split('\n', 1)[0] ?? '';
  return root ? '' : 'You are not root: you can look around, and write nothing.';
}

/** The whole screen: exactly `rows` lines of at most `columns` printable ASCII characters, without colour. */
export function viewTui(state: TuiState, columns: number, rows: number): string[] {
  const width = columns - 1; // a character in the last column makes some terminals scroll
  const cut = (line: string): string =>
    line
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, width)
      .trimEnd();
  if (columns < MIN_COLUMNS || rows < MIN_ROWS) {
    const lines = [`This window is too small: ${columns}x${rows}.`, `bty needs ${MIN_COLUMNS}x${MIN_ROWS}.`];
    return Array.from({ length: rows }, (_line, row) => cut(lines[row] ?? ''));
  }
  const room = rows - FRAME_ROWS;
  const { title, lines, keys } = pageOf(state, { rows: room, columns: width });
  const step = state.agent?.job === undefined ? STEPS[state.step.screen] : '';
  const connection = state.agent === undefined ? '' : ` (${state.agent.connection})`;
  const rule = '-'.repeat(width);
  return [
    `${`bty ${state.version}   ${title}`.padEnd(width - step.length)}${step}`,
    `${state.origin}${connection}`,
    rule,
    ...Array.from({ length: room }, (_line, row) => lines[row] ?? ''),
    noticeOf(state),
    rule,
    keys.length > width ? keys.replaceAll('   ', '  ') : keys,
  ].map(cut);
}
