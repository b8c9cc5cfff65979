import { runCommand } from './run-command.js';

const TIMEOUT_MS = 5000;
const MAX_CHARS = 200 * 1024;

/** The last of the kernel's messages, or a line that says why there are none. */
export async function kernelLog(): Promise<string> {
  try {
    return (await runCommand('dmesg', [], TIMEOUT_MS)).stdout.slice(-MAX_CHARS);
  } catch (error) {
    return `no kernel messages: ${(error as Error).message}`;
  }
}
