import { chooseTarget, type JudgedDisk } from '@bty/target-choice';
import { BtyError, type InventoryDisk, toBtyError } from '@bty/wire-types';
import { imageRootOf, type ListedImage, listImages } from '../images/image-root.js';
import { humanBytes } from '../screen/render.js';
import { type DiskContent, readDiskContent } from '../target/disk-content.js';
import { listDisks } from '../target/list-disks.js';
import { MACHINE_ROOTS } from '../target/machine-roots.js';
import { findMemberships } from '../target/signatures.js';
import { type CommandPorts, disksLookedAt } from './command-ports.js';
import { contentLines, diskTitle, printable } from './describe.js';
import { envelope, failureView, orTellFailure } from './envelope.js';

/** Flags of `bty list …`, as given. */
export interface ListFlags {
  imageRoot?: string;
  disk?: string[];
  json?: true;
}

/** A disk of this machine, what is on it, and what speaks against writing it. */
export interface ListedDisk {
  disk: InventoryDisk;
  /** Why it is not known says the error. */
  content: DiskContent | BtyError;
  objections: JudgedDisk['reasons'];
}

/** Every disk of this machine, or exactly those named. */
export async function lookAtDisks(only: readonly string[]): Promise<ListedDisk[]> {
  const disks = await listDisks(MACHINE_ROOTS, findMemberships, only);
  const judged = chooseTarget(disks, { neededBytes: 0 }).disks;
  const listed: ListedDisk[] = [];
  for (const disk of disks) {
    const content = await readDiskContent(disk).catch(toBtyError);
    listed.push({ disk, content, objections: judged.find(({ path }) => path === disk.path)?.reasons ?? [] });
  }
  return listed;
}

/** What is on a disk, or why that is not known. */
export function whatIsOn(content: DiskContent | BtyError): string[] {
  if (!(content instanceof BtyError)) return contentLines(content);
  return [printable(content.message)];
}

function diskView({ disk, content, objections }: ListedDisk): Record<string, unknown> {
  const seen = content instanceof BtyError ? { content: null, content_error: failureView(content) } : { content };
  return { ...disk, ...seen, objections };
}

function diskLines({ disk, content, objections }: ListedDisk): string[] {
  return [
    diskTitle(disk),
    ...whatIsOn(content).map((line) => `    ${line}`),
    ...objections.map(({ message }) => `    not a target: ${printable(message)}`),
  ];
}

function imageLine(
  { name, format, size_bytes, content_size_bytes: content, problem }: ListedImage,
  width: number,
): string {
  const disk = content === undefined ? '' : `  for a disk of ${humanBytes(content)}`;
  const text = `${name.padEnd(width)}  ${format.padEnd(7)}  ${humanBytes(size_bytes).padStart(9)}${disk}`;
  return printable(problem === undefined ? text : `${text}  NOT USABLE: ${problem}`);
}

function print(flags: ListFlags, ports: CommandPorts, document: string, lines: readonly string[]): void {
  ports.stdout(flags.json === true ? `${document}\n` : lines.map((line) => `${line}\n`).join(''));
}

/** Carries out `bty list disks`. */
export function listDisksCommand(flags: ListFlags, ports: CommandPorts): Promise<void> {
  return orTellFailure('list-disks', flags, ports, async () => {
    const disks = await lookAtDisks(flags.disk ?? disksLookedAt(ports.environment));
    const lines = disks.length === 0 ? ['no disks'] : disks.flatMap(diskLines);
    print(flags, ports, envelope('list-disks', { disks: disks.map(diskView) }), lines);
  });
}

/** Carries out `bty list images`. */
export function listImagesCommand(flags: ListFlags, ports: CommandPorts): Promise<void> {
  return orTellFailure('list-images', flags, ports, async () => {
    const root = imageRootOf(flags.imageRoot, ports.environment);
    const images = await listImages(root, ports.stop);
    const width = Math.max(0, ...images.map(({ name }) => name.length));
    const lines = images.length === 0 ? [`no images in ${root}`] : images.map((image) => imageLine(image, width));
    print(flags, ports, envelope('list-images', { image_root: root, images }), lines);
  });
}
