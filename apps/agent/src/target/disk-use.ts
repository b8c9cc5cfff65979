import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { readAttribute } from './attribute.js';
import type { MachineRoots } from './machine-roots.js';

interface Node {
  /** `/dev/sda1` */
  path: string;
  /** `8:1` */
  number: string | undefined;
  holders: string[];
}

async function listed(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function readNode(roots: MachineRoots, folder: string, name: string): Promise<Node> {
  return {
    path: join(roots.dev, name.replaceAll('!', '/')),
    number: await readAttribute(join(folder, 'dev')),
    holders: await listed(join(folder, 'holders')),
  };
}

/** The disk itself and each of its partitions that the kernel knows. */
export async function nodesOf(roots: MachineRoots, name: string): Promise<Node[]> {
  const block = join(roots.sys, 'block', name);
  const nodes = [await readNode(roots, block, name)];
  for (const entry of (await listed(block)).sort()) {
    const folder = join(block, entry);
    if ((await readAttribute(join(folder, 'partition'))) !== undefined) {
      nodes.push(await readNode(roots, folder, entry));
    }
  }
  return nodes;
}

/** The kernel writes blanks and backslashes in paths as `\040`, so that fields can be told apart. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Where the kernel says what is mounted: the device's number (absent for btrfs), its path, the mount point. */
function parseMounts(mountinfo: string): { number: string; source: string; point: string }[] {
  return mountinfo.split('\n').flatMap((line) => {
    const fields = line.split(' ').map(unescaped);
    const source = fields[fields.indexOf('-') + 2];
    const [, , number, , point] = fields;
    return number === undefined || point === undefined || source === undefined ? [] : [{ number, source, point }];
  });
}

/** The node that the kernel's `root=` means; a live medium that was copied to memory is mounted nowhere. */
async function liveMedium(roots: MachineRoots): Promise<string | undefined> {
  const commandLine = await readFile(join(roots.proc, 'cmdline'), 'utf8');
  const root = /(?:^|\s)root=(\S+)/.exec(commandLine)?.[1];
  if (root === undefined) return undefined;
  const [kind, value] = root.split('=', 2);
  const path = value === undefined ? root : join(roots.dev, `disk/by-${kind?.toLowerCase()}`, value);
  try {
    return await realpath(path.startsWith('/dev/') ? join(roots.dev, path.slice('/dev/'.length)) : path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Every way in which the running system uses a disk or one of its partitions; empty when it is free. */
export async function usesOf(roots: MachineRoots, name: string): Promise<string[]> {
  const mounts = parseMounts(await readFile(join(roots.proc, 'self/mountinfo'), 'utf8'));
  const swaps = (await readFile(join(roots.proc, 'swaps'), 'utf8'))
    .split('\n')
    .map((line) => unescaped(line.split(/\s/)[0] ?? ''));
  const medium = await liveMedium(roots);
  const uses: string[] = [];
  for (const node of await nodesOf(roots, name)) {
    for (const { number, source, point } of mounts) {
      if (number === node.number || source === node.path) uses.push(`${node.path} is mounted on ${point}`);
    }
    if (swaps.includes(node.path)) uses.push(`${node.path} is used as swap`);
    for (const holder of node.holders) uses.push(`${node.path} is held by ${holder}`);
    if (medium === node.path) uses.push(`${node.path} is the medium that this system was started from`);
  }
  return uses;
}
