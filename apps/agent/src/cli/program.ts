import { Command, Option } from 'commander';
import type { AgentFlags } from '../config.js';
import { AGENT_VERSION } from '../version.js';
import type { ProgramPorts } from './command-ports.js';
import { completeCommandOf, completionCommandOf } from './completion-commands.js';
import { flashCommandOf, tuiCommandOf, verifyCommandOf } from './disk-commands.js';
import { inspectCommandOf, listCommandOf } from './look-commands.js';
import { diskOption } from './options.js';
import { remoteCommandsOf } from './remote-commands.js';

// What a command needs is loaded when it is called: in the live env every 100 kB of program take time.

function agentCommandOf(ports: ProgramPorts): Command {
  return new Command('agent')
    .description('carry out the flash jobs of a server on this machine (the live env runs this)')
    .option('--server <url>', 'the server (BTY_SERVER, kernel argument bty.server)')
    .option('--mac <address>', 'the MAC address this machine booted with (BTY_MAC, bty.mac)')
    .addOption(new Option('--mode <mode>', 'default tui (BTY_MODE, bty.mode)').choices(['flash', 'tui']))
    .option('--token <token>', 'the single-use boot token (BTY_TOKEN, bty.token)')
    .option('--state-dir <folder>', 'where session and unsent reports are kept (BTY_AGENT_STATE_DIR), default /run/bty')
    .addOption(diskOption())
    .action(async (flags: AgentFlags) => {
      const { parseAgentConfig } = await import('../config.js');
      const { runAgent } = await import('../run-agent.js');
      const config = parseAgentConfig(flags, ports.environment, await ports.kernelCommandLine());
      await runAgent(config, ports.showLine, ports.stop);
    });
}

const EXIT_CODE_HELP = `
Exit codes: 0 done; 1 failed or refused (verify: not equal); 2 wrong command line,
or an input that is not there; 3 needs root; 4 a program is missing;
5 the disk is not the one that was looked at.`;

/** The `bty` command. A wrong command line throws commander's own error. */
export function buildProgram(ports: ProgramPorts): Command {
  const program = new Command('bty')
    .description("makes a machine's disk equal to an image, and proves it")
    .version(AGENT_VERSION, '--version', 'print the version')
    .addHelpText('after', EXIT_CODE_HELP);
  const commands = [
    listCommandOf(ports),
    inspectCommandOf(ports),
    flashCommandOf(ports),
    verifyCommandOf(ports),
    tuiCommandOf(ports),
    ...remoteCommandsOf(ports),
    agentCommandOf(ports),
    completionCommandOf(ports),
  ];
  for (const command of commands) program.addCommand(command);
  program.addCommand(completeCommandOf(program, ports), { hidden: true });
  return settled(program);
}

/** Makes a command and those below it throw in place of ending the process. */
function settled(command: Command): Command {
  for (const below of command.commands) settled(below);
  return command.exitOverride().showHelpAfterError('(--help tells what there is)');
}
