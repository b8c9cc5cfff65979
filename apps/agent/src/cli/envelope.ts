import { type BtyError, toBtyError } from '@bty/wire-types';
import type { CommandPorts } from './command-ports.js';

/** The one document that `--json` prints. */
export function envelope(command: string, content: Record<string, unknown>): string {
  return JSON.stringify({ schema_version: '1', command, ...content });
}

/** What a document calls a command, from the words of its command line: `list-disks` of `list disks --json`. */
export function commandName(words: readonly string[]): string {
  const [verb = 'bty', noun = ''] = words.filter((word) => !word.startsWith('-'));
  return ['list', 'inspect', 'images'].includes(verb) && noun !== '' ? `${verb}-${noun}` : verb;
}

/** A failure in such a document, and in an event. */
export function failureView({ code, message, details }: BtyError): Record<string, unknown> {
  return { code, message, details };
}

/** Does what a command is to do; with `--json`, a failure is the one document as well, with what was found until then. */
export async function orTellFailure<T>(
  command: string,
  { json }: { json?: true },
  { stdout }: Pick<CommandPorts, 'stdout'>,
  work: () => Promise<T>,
  found: Record<string, unknown> = {},
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = toBtyError(thrown);
    if (json === true) stdout(`${envelope(command, { ...found, error: failureView(error) })}\n`);
    throw error;
  }
}
