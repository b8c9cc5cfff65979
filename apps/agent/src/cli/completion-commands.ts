import { Argument, Command } from 'commander';
import { disksLookedAt, type ProgramPorts } from './command-ports.js';
import { SHELLS } from './completion-scripts.js';

const HELP = `
  bash   bty completion bash > /etc/bash_completion.d/bty
  zsh    bty completion zsh > "\${fpath[1]}/_bty"
  fish   bty completion fish > ~/.config/fish/completions/bty.fish`;

/** `bty completion`: the script that a shell reads */
export function completionCommandOf(ports: ProgramPorts): Command {
  return new Command('completion')
    .description('print what makes a shell complete this command')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText('after', HELP)
    .action(async (shell: (typeof SHELLS)[number]) => {
      const { completionScript } = await import('./completion-scripts.js');
      ports.stdout(completionScript(shell));
    });
}

/** `bty complete`: what the script asks for at every Tab. Not shown in the help. */
export function completeCommandOf(program: Command, ports: ProgramPorts): Command {
  return new Command('complete').argument('[words...]').action(async (words: string[]) => {
    const { complete } = await import('./completion.js');
    const { listDisks } = await import('../target/list-disks.js');
    const { MACHINE_ROOTS } = await import('../target/machine-roots.js');
    const { imageNames, imageRootOf } = await import('../images/image-root.js');
    const noSignatures = async () => ({ members: [] });
    const found = await complete(program, words, {
      disks: async () => {
        const disks = await listDisks(MACHINE_ROOTS, noSignatures, disksLookedAt(ports.environment));
        return disks.map(({ path }) => path);
      },
      images: () => imageNames(imageRootOf(undefined, ports.environment)),
    });
    for (const text of found ?? []) ports.stdout(`${text}\n`);
  });
}
