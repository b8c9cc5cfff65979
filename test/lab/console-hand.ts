/** A person's hands at a machine's serial console. */
import { stripVTControlCharacters } from 'node:util';
import type { Machine } from './machine.ts';

/** What is picked in the terminal UI. */
export interface Pick {
  image: string;
  /** Node of the disk, and its serial. */
  disk: string;
  serial: string;
  /** How many disks stand above it in the list. */
  below?: number;
}

const DOWN = '\x1b[B';
const SLOW_MS = 60_000;

/**
 * Picks an image and a disk in the terminal UI, names the disk, and has it flashed. Resolves when the UI says that the disk
 * holds the image.
 */
export async function flashByHand(machine: Machine, { image, disk, serial, below = 0 }: Pick): Promise<void> {
  await machine.shows(new RegExp(`> ${image.replaceAll('.', '\\.')} `), 240_000);
  machine.type('\r');
  await machine.shows(/Which disk\?[\s\S]*> \/dev\//, SLOW_MS);
  for (let step = 0; step < below; step += 1) machine.type(DOWN);
  await machine.shows(new RegExp(`> ${disk} .*${serial}`), SLOW_MS);
  machine.type('\r');
  await machine.shows(/> none/, SLOW_MS);
  machine.type('\r');
  const word = serial.slice(-4);
  await machine.shows(new RegExp(`type the end of its serial, ${word}, and press Enter`), SLOW_MS);
  machine.type(`${word}\r`);
  await machine.shows(/read back and compared/, 240_000);
}

/** Leaves the terminal UI of a stick for its root shell. */
export async function leaveForShell(machine: Machine): Promise<void> {
  machine.type('q');
  await machine.shows(/A root shell\.[\s\S]*# /, SLOW_MS);
}

let commands = 0;

/**
 * Runs a line in the root shell on the console. Resolves to what it printed; throws when it fails, with what it printed.
 */
export async function atShell(machine: Machine, line: string, limitMs = SLOW_MS): Promise<string> {
  const mark = `line${++commands}`;
  // the quotes keep what is typed from looking like what is printed
  machine.type(`echo "${mark}"-begins; { ${line}\n}; echo "${mark}"-ends $?\r`);
  const [, output = '', status] = await machine.shows(
    new RegExp(`[\\r\\n]${mark}-begins\\r?\\n([\\s\\S]*?)${mark}-ends (\\d+)\\r?\\n[^\\n]*# `),
    limitMs,
  );
  const printed = stripVTControlCharacters(output).replaceAll('\r', '').trim();
  if (status !== '0') throw new Error(`${line}: exit ${status}: ${printed}`);
  return printed;
}
