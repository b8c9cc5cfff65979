import type { Clock } from '../clock/clock.js';
import { renderScreen } from './render.js';
import type { Status } from './status.js';

const COLUMNS = 79;
const REDRAW_MS = 500;
// Kernel messages write over the screen; now and then everything is drawn anew, also when nothing changes.
const REPAINT_MS = 30_000;

/**
 * The lines that differ from what stands on the terminal, as cursor moves and erasures that any terminal knows. The cursor
 * is left in the given row, by default below the lines.
 */
export function frameBetween(
  before: readonly string[] | undefined,
  after: readonly string[],
  cursorRow = after.length + 1,
): string {
  const park = `\x1b[${cursorRow};1H`;
  if (before === undefined) return `\x1b[2J\x1b[H${after.join('\r\n')}${park}`;
  const rows = Math.max(before.length, after.length);
  let frame = '';
  for (let row = 0; row < rows; row += 1) {
    if (before[row] !== after[row]) frame += `\x1b[${row + 1};1H${after[row] ?? ''}\x1b[K`;
  }
  return frame === '' ? '' : `${frame}${park}`;
}

/** Draws the status on every console, at most twice a second, and nothing when nothing changed. */
export function startScreen(
  status: Status,
  consoles: readonly { write(text: string): void }[],
  clock: Clock,
): () => void {
  let shown: string[] | undefined;
  let paintedMs = clock.nowMs();
  let cancel: () => void = () => undefined;
  const draw = (): void => {
    if (clock.nowMs() - paintedMs >= REPAINT_MS) shown = undefined;
    const lines = renderScreen(status, COLUMNS);
    const frame = frameBetween(shown, lines);
    if (shown === undefined) paintedMs = clock.nowMs();
    shown = lines;
    if (frame !== '') for (const one of consoles) one.write(frame);
    cancel = clock.after(REDRAW_MS, draw);
  };
  if (consoles.length > 0) draw();
  return () => cancel();
}
