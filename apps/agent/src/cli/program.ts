import { Command } from 'commander';
import { type AgentFlags, parseAgentConfig } from '../config.js';
import { runAgent } from '../run-agent.js';
import { AGENT_VERSION } from '../version.js';

/** What the command line needs of the process. */
export interface ProgramPorts {
  environment: Readonly<Record<string, string | undefined>>;
  kernelCommandLine(): Promise<string>;
  showLine(line: string): void;
  /** Aborted when the process is told to end. */
  stop: AbortSignal;
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function agentCommand(ports: ProgramPorts): Command {
  return new Command('agent')
    .description('carry out the flash jobs of a server on this machine (the live env runs this)')
    .option('--server <url>', 'the server (BTY_SERVER, kernel argument bty.server)')
    .option('--mac <address>', 'the MAC address this machine booted with (BTY_MAC, bty.mac)')
    .option('--mode <mode>', 'flash or tui, default tui (BTY_MODE, bty.mode)')
    .option('--token <token>', 'the single-use boot token (BTY_TOKEN, bty.token)')
    .option('--state-dir <folder>', 'where session and unsent reports are kept (BTY_AGENT_STATE_DIR), default /run/bty')
    .option('--disk <path>', 'look at this block device only; may be given again (BTY_DISKS)', collect)
    .action(async (flags: AgentFlags) => {
      const config = parseAgentConfig(flags, ports.environment, await ports.kernelCommandLine());
      await runAgent(config, ports.showLine, ports.stop);
    });
}

/** The `bty` command. */
export function buildProgram(ports: ProgramPorts): Command {
  return new Command('bty')
    .description("makes a machine's disk equal to an image, and proves it")
    .version(AGENT_VERSION, '--version', 'print the version')
    .addCommand(agentCommand(ports));
}
