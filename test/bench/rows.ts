/** The rows of the bench, in the order in which they are printed: what is compared, and how far ours has to be ahead. */
import * as tools from './flash-tools.ts';
import { PREPARE_OURS, PREPARE_PEER } from './prepare-contest.ts';
import { SERVE_OURS, SERVE_PEER } from './serve-contest.ts';
import type { RowSpec } from './verdict.ts';
import { GROWN, type WorkName } from './works.ts';

// The names of tools do not depend on what they are given.
const WRITTEN = tools.ours('', 'written').tool;
const FULL = tools.ours('').tool;
const OFF = tools.ours('', 'off').tool;
const DD = tools.curlZstdDd('').tool;
const QEMU = tools.qemuImg('').tool;
const QEMU_DIRECT = tools.qemuImgDirect('').tool;
const CASYNC = tools.casync('').tool;
const FULL_IMAGE_PEERS = [DD, tools.curlQemuImg('').tool, tools.bmaptool('').tool, tools.btyLab('').tool] as const;

/** A row, the work that measures it, and whether `--quick` has time for it. */
export interface Row extends RowSpec {
  readonly work: WorkName;
  readonly quick?: boolean;
}

/** Tools that take longer than `--quick` has time for; its rows show them as not run. */
export const SLOW_TOOLS: readonly string[] = [CASYNC, tools.btyLab('').tool];

const growthRows: Row[] = ['first-flash', 'reflash'].flatMap((kind) =>
  GROWN.map((copies): Row => {
    const name = `growth-${kind}-${copies}` as const;
    const ours = tools.ours('').tool;
    return {
      name,
      title: `${kind === 'reflash' ? 're-flash, dirt' : 'first flash'}, ${copies} GiB`,
      work: name,
      ours,
      peers: [],
    };
  }),
);

export const ROWS: readonly Row[] = [
  {
    name: 'first-flash-written',
    title: 'first flash of .img.zst, loopback, verify written',
    work: 'first-flash',
    quick: true,
    ours: WRITTEN,
    peers: [DD],
    target: 0.4,
  },
  {
    name: 'first-flash-full',
    title: 'the same, verify full',
    work: 'first-flash',
    quick: true,
    ours: FULL,
    peers: [DD],
    target: 0.55,
  },
  {
    name: 'first-flash-off',
    title: 'the same, like for like: verify off against the fastest',
    work: 'first-flash',
    quick: true,
    ours: OFF,
    peers: FULL_IMAGE_PEERS,
    target: 0.8,
  },
  {
    name: 'first-flash-full-hash',
    title: 'the same, like for like: verify full against the fastest and a read-back hash',
    work: 'first-flash',
    ours: FULL,
    peers: FULL_IMAGE_PEERS,
    withReadBack: true,
    target: 0.6,
  },
  {
    name: 'first-flash-qcow2',
    title: 'first flash of a qcow2, prepared, against a local file',
    work: 'qcow2',
    ours: FULL,
    peers: [QEMU],
    shown: [QEMU_DIRECT],
    target: 0.6,
  },
  ...(['local-qcow2', 'local-qcow2-compressed'] as const).map(
    (work): Row => ({
      name: work,
      title: `local qcow2 without a server${work.endsWith('compressed') ? ', compressed' : ''}`,
      work,
      ours: tools.oursLocal('').tool,
      peers: [QEMU],
      shown: [QEMU_DIRECT],
      target: 1,
    }),
  ),
  {
    name: 'reflash',
    title: 're-flash, 2 % changed, loopback',
    work: 'reflash',
    quick: true,
    ours: FULL,
    peers: [DD],
    target: 0.25,
  },
  {
    name: 'reflash-fastest',
    title: 'the same, against the fastest',
    work: 'reflash',
    quick: true,
    ours: FULL,
    peers: [...FULL_IMAGE_PEERS, CASYNC],
    target: 0.6,
  },
  {
    name: 'reflash-gigabit',
    title: 're-flash, 2 % changed, 1 Gbit/s, against the fastest of a full image',
    work: 'reflash-gigabit',
    ours: FULL,
    peers: FULL_IMAGE_PEERS,
    target: 0.35,
  },
  {
    name: 'ten-machines',
    title: 're-flash, next nightly, ten machines on 1 Gbit/s, until the last is done',
    work: 'ten-machines',
    ours: FULL,
    peers: [DD, tools.bmaptool('').tool],
    target: 0.3,
  },
  {
    name: 'reflash-casync',
    title: 're-flash, 2 % changed, loopback, against casync with seed',
    work: 'reflash',
    ours: FULL,
    peers: [CASYNC],
    target: 0.5,
  },
  {
    name: 'prepare',
    title: 'preparing a 2 GiB image',
    work: 'prepare',
    quick: true,
    ours: PREPARE_OURS,
    peers: [PREPARE_PEER],
    target: 1.5,
  },
  {
    name: 'serve',
    title: 'serving 20 parallel range readers',
    work: 'serve',
    quick: true,
    ours: SERVE_OURS,
    peers: [SERVE_PEER],
    target: 1.25,
  },
  { name: 'nightly', title: 're-flash, next nightly, loopback', work: 'nightly', ours: FULL, peers: [DD] },
  { name: 'rebuilt', title: 're-flash, rebuilt from scratch, loopback', work: 'rebuilt', ours: FULL, peers: [DD] },
  {
    name: 'slow-first-flash',
    title: 'first flash, disk of 200 MB/s',
    work: 'slow-first-flash',
    ours: FULL,
    peers: [DD],
  },
  {
    name: 'slow-reflash',
    title: 're-flash, 2 % changed, disk of 200 MB/s',
    work: 'slow-reflash',
    ours: FULL,
    peers: [DD],
  },
  ...growthRows,
];
