import { Command } from 'commander';
import type { ProgramPorts } from './command-ports.js';
import type { InspectFlags } from './inspect-command.js';
import type { ListFlags } from './list-command.js';
import { digestOption, diskOption, imageRootOption, jsonOption } from './options.js';

/** `bty list disks` and `bty list images` */
export function listCommandOf(ports: ProgramPorts): Command {
  const disks = new Command('disks')
    .description('the disks of this machine, what is on each, and what speaks against writing it')
    .addOption(diskOption())
    .addOption(jsonOption())
    .action(async (flags: ListFlags) => {
      const { listDisksCommand } = await import('./list-command.js');
      await listDisksCommand(flags, ports);
    });
  const images = new Command('images')
    .description('the images in the image root')
    .addOption(imageRootOption())
    .addOption(jsonOption())
    .action(async (flags: ListFlags) => {
      const { listImagesCommand } = await import('./list-command.js');
      await listImagesCommand(flags, ports);
    });
  return new Command('list').description('list disks, or images').addCommand(disks).addCommand(images);
}

/** `bty inspect image` */
export function inspectCommandOf(ports: ProgramPorts): Command {
  const image = new Command('image')
    .description('what an image is and brings, without reading all of it')
    .argument('<path-or-url>', 'a file, an http(s) URL, or a name in the image root')
    .addOption(digestOption())
    .addOption(imageRootOption())
    .addOption(jsonOption())
    .action(async (named: string, flags: InspectFlags) => {
      const { inspectImageCommand } = await import('./inspect-command.js');
      await inspectImageCommand(named, flags, ports);
    });
  return new Command('inspect').description('look into an image').addCommand(image);
}
