/** The tools that flash: ours, and those that a user would pick otherwise. */
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../..');
const NODE = join(REPOSITORY, 'node_modules/.bin/node');
const AGENT = join(REPOSITORY, 'dist/agent-bundle/agent.mjs');

/** Where a tool finds what it needs. */
export interface Sources {
  /** Folder of the image files on this machine. */
  readonly folder: string;
  /** The same folder over HTTP, by nginx. */
  readonly files: string;
  /** bty's server. */
  readonly server: string;
  /** Folder for what a tool has to keep while it works; in memory. */
  readonly scratch: string;
  /** Python with the upstream tool. */
  readonly python: string;
}

export interface FlashTool {
  readonly tool: string;
  argv(target: string, from: Sources): readonly string[];
}

export type Verify = 'full' | 'written' | 'off';

const shell = (script: string, ...words: readonly string[]): readonly string[] => [
  'bash',
  '-c',
  `set -o pipefail; ${script}`,
  'bash',
  ...words,
];

function bty(image: string, target: string, verify: Verify): readonly string[] {
  return [NODE, AGENT, 'flash', '--image', image, '--target', target, '--verify', verify, '--yes'];
}

/** Ours, from the server. */
export const ours = (image: string, verify: Verify = 'full'): FlashTool => ({
  tool: `bty, verify ${verify}`,
  argv: (target, { server }) => bty(`${server}/images/${image}`, target, verify),
});

/** Ours, from a file of this machine, without a server. */
export const oursLocal = (image: string): FlashTool => ({
  tool: 'bty, local file, verify full',
  argv: (target, { folder }) => bty(join(folder, image), target, 'full'),
});

export const curlZstdDd = (image: string): FlashTool => ({
  tool: 'curl, zstd, dd',
  argv: (target, { files }) =>
    shell(
      'curl -fsS "$1" | zstd -dc | dd of="$2" oflag=direct iflag=fullblock bs=4M conv=fsync',
      `${files}/${image}.img.zst`,
      target,
    ),
});

const CONVERT = ['qemu-img', 'convert', '-n', '-W', '-m', '8', '-f', 'qcow2', '-O', 'raw'];

/** A qcow2 that lies on this machine already. */
export const qemuImg = (file: string): FlashTool => ({
  tool: 'qemu-img convert',
  argv: (target, { folder }) => [...CONVERT, join(folder, file), target],
});

/** The same with direct I/O to the target, for comparison: not what the manuals say, but faster. */
export const qemuImgDirect = (file: string): FlashTool => ({
  tool: 'qemu-img convert -t none',
  argv: (target, { folder }) => [...CONVERT, '-t', 'none', join(folder, file), target],
});

/** qemu-img cannot read a stream: the image is downloaded into memory first. */
export const curlQemuImg = (file: string): FlashTool => ({
  tool: 'curl, qemu-img convert',
  argv: (target, { files, scratch }) =>
    shell(`curl -fsS -o "$3/image" "$1" && ${CONVERT.join(' ')} "$3/image" "$2"`, `${files}/${file}`, target, scratch),
});

export const bmaptool = (image: string): FlashTool => ({
  tool: 'bmaptool',
  argv: (target, { files }) => [
    'bmaptool',
    'copy',
    '--bmap',
    `${files}/${image}.bmap`,
    `${files}/${image}.img.zst`,
    target,
  ],
});

/** What is on the target already is casync's seed unless it is told otherwise. */
export const casync = (image: string): FlashTool => ({
  tool: 'casync, old disk as seed',
  argv: (target, { files }) => [
    'casync',
    'extract',
    '--seed-output=yes',
    `--store=${files}/${image}.castr`,
    `${files}/${image}.caibx`,
    target,
  ],
});

export const btyLab = (image: string): FlashTool => ({
  tool: 'bty-lab',
  argv: (target, { files, python }) => [
    python,
    join(import.meta.dirname, 'bty-lab-flash.py'),
    `${files}/${image}.img.zst`,
    target,
  ],
});
