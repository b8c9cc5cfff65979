import { BtyError } from '@bty/wire-types';
import { runCommand } from '../run-command.js';

const TIMEOUT_MS = 20_000;

/** Reboots at once, without stopping anything: nothing in the live env is worth saving. Does not return when it works. */
export async function rebootMachine(): Promise<void> {
  const { exitCode, stderr } = await runCommand('reboot', ['-f'], TIMEOUT_MS);
  if (exitCode !== 0) throw new BtyError('INTERNAL', `reboot failed: ${stderr.trim()}`);
}
