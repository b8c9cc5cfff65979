import { write } from 'node:fs';

const STDERR = 2;
const MAX_WAITING = 1000;

/**
 * Prints lines to standard error without waiting: `process.stderr` blocks the whole process when it is a terminal that
 * nobody reads. Of a backlog the oldest lines are dropped.
 */
export function standardErrorLines(): (line: string) => void {
  const waiting: string[] = [];
  let busy = false;
  const next = (): void => {
    if (busy || waiting.length === 0) return;
    busy = true;
    write(STDERR, `${waiting.splice(0).join('\n')}\n`, () => {
      busy = false;
      next();
    });
  };
  return (line) => {
    waiting.push(line);
    if (waiting.length > MAX_WAITING) waiting.shift();
    next();
  };
}
