import type { InventoryDisk } from '@bty/wire-types';
import type { ImageFacts } from '../images/image-facts.js';
import { humanBytes } from '../screen/render.js';
import type { DiskContent, Holding } from '../target/disk-content.js';

/** A name or a label from outside, harmless on a terminal. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

const holdingText = ({ type, label }: Holding): string[] => [
  ...(type === undefined ? [] : [type]),
  ...(label === undefined ? [] : [`"${label}"`]),
];

/** `/dev/sdb  Samsung SSD 860  serial S3Z9  500.1 GB  sata`: which disk, for a person. */
export function diskTitle(disk: InventoryDisk): string {
  const serial = disk.serial === undefined ? 'no serial' : `serial ${disk.serial}`;
  const notes = [...(disk.removable ? ['removable'] : []), ...(disk.read_only ? ['read-only'] : [])];
  const parts = [disk.path, disk.model ?? 'no model', serial, humanBytes(disk.size_bytes), disk.transport, ...notes];
  return printable(parts.join('  '));
}

function tableTitle(table: DiskContent['table'], count: number): string {
  return `${table.toUpperCase()}, ${count} partition${count === 1 ? '' : 's'}`;
}

function partitionLine(part: Holding & { number: number; size_bytes: number; name?: string }): string {
  const size = humanBytes(part.size_bytes).padStart(9);
  return [
    `${String(part.number).padStart(2)} ${size}`,
    ...holdingText(part),
    ...(part.name === undefined ? [] : [part.name]),
  ].join('  ');
}

/** What is on a disk, a line a partition. */
export function contentLines(content: DiskContent): string[] {
  const { table, partitions } = content;
  if (table === 'none') {
    const whole = holdingText(content);
    return [whole.length === 0 ? 'nothing that bty knows' : printable(`the whole disk: ${whole.join('  ')}`)];
  }
  return [tableTitle(table, partitions.length), ...partitions.map((part) => printable(partitionLine(part)))];
}

/** What an image is, and what it brings. */
export function imageLines(image: ImageFacts): string[] {
  const size =
    image.content_size_bytes === undefined ? 'unknown until it is read' : humanBytes(image.content_size_bytes);
  const { table, partitions, sector_bytes: sectorBytes } = image;
  const lines = [
    `${image.name}  ${image.format ?? ''}  ${humanBytes(image.size_bytes)}`,
    `disk size  ${size}${sectorBytes === undefined ? '' : `, sectors of ${sectorBytes} bytes`}`,
    ...(image.sha256 === undefined ? [] : [`sha256     ${image.sha256}`]),
    ...(image.mapped ? ['its server has a map of it: only what differs is fetched'] : []),
    table === 'none' ? 'no partition table' : tableTitle(table, partitions.length),
    ...partitions.map(partitionLine),
  ];
  return lines.map(printable);
}

/** Lines under a heading, set in by as many blanks as it takes. */
export function under(heading: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `${(index === 0 ? heading : '').padEnd(12)}${line}`);
}
