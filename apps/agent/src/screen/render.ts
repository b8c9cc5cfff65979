import type { InventoryDisk } from '@bty/wire-types';
import type { JobStatus, Status } from './status.js';

const BAR_CELLS = 40;
const MAX_DISKS = 6;
const MAX_OUTCOME_LINES = 6;

/** 12.3 MB: decimal units, as disks are sold. */
export function humanBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** 5 s, 2 min 10 s */
export function humanSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function diskLine(disk: InventoryDisk): string {
  const name = [disk.model, disk.serial].filter((part) => part !== undefined).join(' ');
  const notes = [
    disk.transport,
    ...(disk.removable ? ['removable'] : []),
    ...(disk.in_use.length > 0 ? ['in use'] : []),
    ...(disk.member_of ?? []),
  ];
  return `  ${disk.path}  ${humanBytes(disk.size_bytes)}  ${name}  (${notes.join(', ')})`;
}

/** How much of a stage is done, and how long the rest will take at the present rate; of an unknown whole, how much. */
export function progressBar(bytesDone: number, bytesTotal: number | undefined, bytesPerSecond: number): string {
  if (bytesTotal === undefined || bytesTotal === 0) return bytesDone > 0 ? humanBytes(bytesDone) : '';
  const share = Math.min(1, bytesDone / bytesTotal);
  const cells = Math.floor(share * BAR_CELLS);
  const eta = bytesPerSecond > 0 ? `, ${humanSeconds((bytesTotal - bytesDone) / bytesPerSecond)} left` : '';
  return `[${'#'.repeat(cells).padEnd(BAR_CELLS, '.')}] ${Math.floor(share * 100)} %${eta}`;
}

function jobLines(job: JobStatus): string[] {
  const total = job.bytesTotal === undefined ? '' : ` of ${humanBytes(job.bytesTotal)}`;
  const disk = job.target ?? 'a disk not chosen yet';
  const amount = job.bytesDone > 0 ? `  ${humanBytes(job.bytesDone)}${total}  ${humanBytes(job.bytesPerSecond)}/s` : '';
  return [
    job.kind === 'check' ? `Checking ${disk} against ${job.imageName}` : `Flashing ${job.imageName} to ${disk}`,
    `  ${job.stage}${amount}`,
    `  ${progressBar(job.bytesDone, job.bytesTotal, job.bytesPerSecond)}`,
  ];
}

function diskLines(disks: readonly InventoryDisk[]): string[] {
  if (disks.length === 0) return ['Disks: none found'];
  const more = disks.length > MAX_DISKS ? [`  and ${disks.length - MAX_DISKS} more`] : [];
  return ['Disks:', ...disks.slice(0, MAX_DISKS).map(diskLine), ...more];
}

function outcomeLines(outcome: string): string[] {
  return outcome === '' ? [] : outcome.split('\n').slice(0, MAX_OUTCOME_LINES);
}

/** The whole screen as plain lines, none longer than `columns`: at most 22, so that it fits a serial terminal. */
export function renderScreen(status: Status, columns: number): string[] {
  const lines = [
    `bty ${status.version}   ${status.mac}   mode ${status.mode}`,
    `Server ${status.server}: ${status.connection}`,
    '',
    ...diskLines(status.disks),
    '',
    ...(status.job === undefined ? ['No job. Waiting for the server to hand one over.'] : jobLines(status.job)),
    '',
    ...outcomeLines(status.outcome),
  ];
  // Control characters of an image name or a disk's model must not reach a terminal.
  return lines.map((line) => line.replace(/[^\x20-\x7e]/g, '?').slice(0, columns));
}
