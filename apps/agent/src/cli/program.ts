import { Command, Option } from 'commander';
import type { AgentFlags } from '../config.js';
import { AGENT_VERSION } from '../version.js';
import type { CommandPorts, FlashFlags } from './flash-command.js';
import type { VerifyFlags } from './verify-command.js';

/** What the command line needs of the process. */
export interface ProgramPorts extends CommandPorts {
  environment: Readonly<Record<string, string | undefined>>;
  kernelCommandLine(): Promise<string>;
  showLine(line: string): void;
  /** Makes the process end with this code when all is done. */
  exitWith(code: number): void;
}

// What a command needs is loaded when it is called: in the live env every 100 kB of program take time.

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
      const { parseAgentConfig } = await import('../config.js');
      const { runAgent } = await import('../run-agent.js');
      const config = parseAgentConfig(flags, ports.environment, await ports.kernelCommandLine());
      await runAgent(config, ports.showLine, ports.stop);
    });
}

const imageOption = (): Option =>
  new Option('--image <path-or-url>', 'the image: .img, .img.zst or .qcow2, a file or http(s)').makeOptionMandatory();
const targetOption = (): Option =>
  new Option('--target <device>', 'the whole disk, for instance /dev/sdb').makeOptionMandatory();
const digestOption = (): Option => new Option('--sha256 <digest>', 'the SHA-256 that the image file must have');

function flashCommandOf(ports: ProgramPorts): Command {
  return new Command('flash')
    .description('make a disk equal to an image, and prove it')
    .addOption(imageOption())
    .addOption(targetOption())
    .addOption(digestOption())
    .option('--verify <mode>', 'read back: full, written or off', 'full')
    .option('--provision <mode>', 'what configures the deployed system: none or cloud-init', 'none')
    .option('--seed <folder>', "cloud-init's files: user-data, and meta-data, network-config, vendor-data if need be")
    .option('--progress <style>', 'text, ndjson or none', 'text')
    .option('--dry-run', 'say what would be written, and write nothing')
    .option('--yes', 'write')
    .option('--json', 'print one JSON document on standard output')
    .action(async (flags: FlashFlags) => {
      const { flashCommand } = await import('./flash-command.js');
      await flashCommand(flags, ports);
    });
}

function verifyCommandOf(ports: ProgramPorts): Command {
  return new Command('verify')
    .description('say whether a disk is equal to an image, and where not; writes nothing')
    .addOption(imageOption())
    .addOption(targetOption())
    .addOption(digestOption())
    .option('--json', 'print one JSON document on standard output')
    .action(async (flags: VerifyFlags) => {
      const { verifyCommand } = await import('./verify-command.js');
      const { EXIT_CODES } = await import('./exit-code.js');
      if (!(await verifyCommand(flags, ports))) ports.exitWith(EXIT_CODES.failed);
    });
}

/** The `bty` command. A wrong command line throws commander's own error. */
export function buildProgram(ports: ProgramPorts): Command {
  const program = new Command('bty')
    .description("makes a machine's disk equal to an image, and proves it")
    .version(AGENT_VERSION, '--version', 'print the version');
  for (const command of [flashCommandOf(ports), verifyCommandOf(ports), agentCommand(ports)]) {
    program.addCommand(command.exitOverride());
  }
  return program.exitOverride();
}
