import type { Command, Option } from 'commander';

/** What completes a value, by what a flag or an argument calls it; the shell completes everything else by files. */
export interface Completers {
  disks(): Promise<string[]>;
  images(): Promise<string[]>;
}

const isVisible = (command: Command): boolean => command.name() !== 'complete';

function optionOf(command: Command, word: string | undefined): Option | undefined {
  return command.options.find(({ long }) => long === word);
}

/** What a value may be; undefined when only the shell knows, which completes files. */
async function valuesOf(placeholder: string, choices: readonly string[] | undefined, completers: Completers) {
  if (choices !== undefined) return choices;
  if (/<(disk|device)>/.test(placeholder)) return completers.disks();
  return /path-or-url/.test(placeholder) ? completers.images() : undefined;
}

/**
 * What may stand in place of the last of `words`, the words after `bty`. Undefined: nothing that bty knows, so that the
 * shell offers files.
 */
export async function complete(
  program: Command,
  words: readonly string[],
  completers: Completers,
): Promise<readonly string[] | undefined> {
  const last = words.at(-1) ?? '';
  let command = program;
  for (const word of words.slice(0, -1)) {
    command = command.commands.find((below) => isVisible(below) && below.name() === word) ?? command;
  }
  const starting = (texts: readonly string[]): string[] => texts.filter((text) => text.startsWith(last));
  const option = optionOf(command, words.at(-2));
  if (option !== undefined && (option.required || option.optional)) {
    const values = await valuesOf(option.flags, option.argChoices, completers);
    return values && starting(values);
  }
  if (last.startsWith('-')) return starting([...command.options.map(({ long }) => long ?? ''), '--help']);
  const below = command.commands.filter(isVisible).map((one) => one.name());
  if (below.length > 0) return starting(command === program ? [...below, 'help'] : below);
  const [argument] = command.registeredArguments;
  const values = argument && (await valuesOf(argument.name(), argument.argChoices, completers));
  return values && starting(values);
}
