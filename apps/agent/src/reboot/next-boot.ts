import { readdir } from 'node:fs/promises';
import type { EfiSystemPartition } from '@bty/image-format';
import { BtyError, type Firmware } from '@bty/wire-types';
import { runCommand } from '../run-command.js';
import { type BootEntry, BTY_LABEL, parseBootEntries, sortOwnEntries } from './boot-entries.js';

const EFIVARS = '/sys/firmware/efi/efivars';
const TIMEOUT_MS = 20_000;
// The path that firmware itself tries on a disk without entries (UEFI specification 2.10, 3.5.1.1).
const LOADERS: Partial<Record<NodeJS.Architecture, string>> = {
  x64: '\\EFI\\BOOT\\BOOTX64.EFI',
  arm64: '\\EFI\\BOOT\\BOOTAA64.EFI',
};

async function efibootmgr(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand('efibootmgr', args, TIMEOUT_MS);
  if (exitCode !== 0) throw new BtyError('INTERNAL', `efibootmgr ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

async function mountVariables(): Promise<void> {
  if ((await readdir(EFIVARS)).length > 0) return;
  const { exitCode, stderr } = await runCommand('mount', ['-t', 'efivarfs', 'efivarfs', EFIVARS], TIMEOUT_MS);
  if (exitCode !== 0) throw new BtyError('INTERNAL', `the firmware's variables cannot be reached: ${stderr.trim()}`);
}

async function entryFor(diskPath: string, partition: EfiSystemPartition): Promise<BootEntry> {
  const { fitting, stale } = sortOwnEntries(parseBootEntries(await efibootmgr('-v')), partition.guid);
  for (const { number } of stale) await efibootmgr('-q', '-B', '-b', number);
  if (fitting !== undefined) return fitting;
  const loader = LOADERS[process.arch] ?? '';
  // -C creates without a change of BootOrder, which stranded machines.
  await efibootmgr('-q', '-C', '-d', diskPath, '-p', String(partition.number), '-L', BTY_LABEL, '-l', loader);
  const made = sortOwnEntries(parseBootEntries(await efibootmgr('-v')), partition.guid).fitting;
  if (made === undefined) throw new BtyError('INTERNAL', 'the firmware did not keep the boot entry');
  return made;
}

/**
 * Asks the firmware to boot this disk once, next time. Returns what was done, for the log. BIOS has no such request: the
 * server then answers the next PXE contact with the local disk. Throws when the firmware refuses.
 */
export async function bootDiskNext(
  firmware: Firmware,
  diskPath: string,
  partition: EfiSystemPartition | undefined,
): Promise<string> {
  if (firmware === 'bios') return 'BIOS: the server sends the next boot to the disk';
  if (partition === undefined) return 'the image has no EFI system partition: the firmware is not asked to boot it';
  await mountVariables();
  const { number } = await entryFor(diskPath, partition);
  await efibootmgr('-q', '-n', number);
  return `asked the firmware to boot entry ${number} (${BTY_LABEL}) next`;
}
