import type { Lab } from '../lab/lab.ts';

/** A line on standard error: standard output carries the timeline. */
export const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function untilInterrupted(): Promise<void> {
  await new Promise((resolve) => {
    const awake = setInterval(() => {}, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(clearInterval(awake)));
  });
}

/**
 * Plays a demo, and stops all of its lab; unless `once`, when somebody says so. A failure is told, leaves the logs, and makes
 * the process end with 1.
 */
export async function play(lab: Lab, { once = false, staysUp = '' }, show: () => Promise<void>): Promise<void> {
  let failed = false;
  try {
    await show();
  } catch (error) {
    failed = true;
    say(`\nthe demo failed: ${error instanceof Error ? error.message : String(error)}`);
    say(`logs are kept in ${lab.workDir}`);
  }
  if (!once && !failed) {
    say(`\n${staysUp} until you press Ctrl-C.`);
    await untilInterrupted();
  }
  await lab.stop({ keep: failed });
  process.exitCode = failed ? 1 : 0;
}
