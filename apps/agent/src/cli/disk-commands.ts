import { PROVISIONING_MODES, VERIFY_MODES } from '@bty/wire-types';
import { Command, Option } from 'commander';
import type { ProgramPorts } from './command-ports.js';
import type { FlashFlags } from './flash-command.js';
import { digestOption, diskOption, imageOption, imageRootOption, jsonOption, targetOption } from './options.js';
import type { TuiFlags } from './tui-command.js';
import type { VerifyFlags } from './verify-command.js';

const FLASH_HELP = `
A hint is key=value[,key=value...]; all of it must fit, and exactly one disk. Keys:
serial, wwn, by-id, model, transport, min-size, max-size (500G, 1.5T, 512MiB),
allow-removable, allow-members.

What would happen, then doing it:
  bty flash --image debian.img.zst --target /dev/sdb --dry-run
  bty flash --image debian.img.zst --target /dev/sdb --yes`;

/** What can be done on one machine: cijoe-online needs a server. */
const MODES = PROVISIONING_MODES.filter((mode) => mode !== 'cijoe-online');

/** `bty flash` */
export function flashCommandOf(ports: ProgramPorts): Command {
  return new Command('flash')
    .description('make a disk equal to an image, and prove it')
    .addOption(imageOption())
    .addOption(targetOption())
    .option('--dry-run', 'say what would be written where, and all that speaks against it; write nothing')
    .option('--yes', 'write')
    .addOption(digestOption())
    .addOption(new Option('--verify <mode>', 'what is read back').choices(VERIFY_MODES).default('full'))
    .addOption(new Option('--provision <mode>', 'what configures the deployed system').choices(MODES).default('none'))
    .option('--user-data <file>', "cloud-init's user-data")
    .option('--meta-data <file>', "cloud-init's meta-data; without it every flash is a new instance")
    .option('--network-config <file>', "cloud-init's network-config")
    .option('--vendor-data <file>', "cloud-init's vendor-data")
    .option('--cijoe-workflow <file>', 'the workflow that cijoe runs on the flashed system, at $BTY_ROOTFS')
    .option('--cijoe-config <file>', "cijoe's configuration; without it cijoe-config.toml beside the workflow")
    .addOption(
      new Option('--progress <style>', 'how progress is told').choices(['text', 'ndjson', 'none']).default('text'),
    )
    .addOption(imageRootOption())
    .addOption(jsonOption())
    .addHelpText('after', FLASH_HELP)
    .action(async (flags: FlashFlags) => {
      const { flashCommand } = await import('./flash-command.js');
      await flashCommand(flags, ports);
    });
}

/** `bty verify` */
export function verifyCommandOf(ports: ProgramPorts): Command {
  return new Command('verify')
    .description('say whether a disk is equal to an image, and where not; writes nothing')
    .addOption(imageOption())
    .addOption(targetOption())
    .addOption(digestOption())
    .addOption(imageRootOption())
    .addOption(jsonOption())
    .action(async (flags: VerifyFlags) => {
      const { verifyCommand } = await import('./verify-command.js');
      const { EXIT_CODES } = await import('./exit-code.js');
      if (!(await verifyCommand(flags, ports))) ports.exitWith(EXIT_CODES.failed);
    });
}

/** `bty tui` */
export function tuiCommandOf(ports: ProgramPorts): Command {
  return new Command('tui')
    .description('pick an image and a disk on the screen, and flash it')
    .option('--server <url>', "list this server's images, and tell it when one is flashed (BTY_SERVER)")
    .option('--mac <address>', 'the MAC address under which the server knows this machine (BTY_MAC)')
    .addOption(imageRootOption())
    .addOption(diskOption())
    .option('--quit-to <name>', 'how the key is called that leaves, where something stands behind', 'quit')
    .option('--notice <text>', 'a line that is shown until the first key')
    .action(async (flags: TuiFlags) => {
      const { tuiCommand } = await import('./tui-command.js');
      await tuiCommand(flags, ports);
    });
}
