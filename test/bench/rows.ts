/** The rows of the bench, in the order in which they are printed, and the work that each is measured by. */
import type { Bench } from './bench.ts';
import type { StartContent } from './disk-content.ts';
import { type FlashWork, type OpenContest, openFlashContest } from './flash-contest.ts';
import * as tools from './flash-tools.ts';
import { openPrepareContest, PREPARE_OURS, PREPARE_PEER } from './prepare-contest.ts';
import { openServeContest, SERVE_OURS, SERVE_PEER } from './serve-contest.ts';
import type { RowSpec } from './verdict.ts';

const GIB = 2 ** 30;
const GROWN = [1, 2, 4, 8] as const;

const ZST = 'box.img.zst';
const WRITTEN = tools.ours(ZST, 'written').tool;
const FULL = tools.ours(ZST).tool;
const OFF = tools.ours(ZST, 'off').tool;
const DD = tools.curlZstdDd('box').tool;
const QEMU = tools.qemuImg('box.qcow2').tool;
const QEMU_DIRECT = tools.qemuImgDirect('box.qcow2').tool;
const CASYNC = tools.casync('box').tool;
const FULL_IMAGE_PEERS = [
  DD,
  tools.curlQemuImg('box.qcow2').tool,
  tools.bmaptool('box').tool,
  tools.btyLab('box').tool,
] as const;

/** What of a contest is asked for. */
export interface Wanted {
  isWanted(tool: string): boolean;
  /** Hash the disks after every run as well. */
  readonly readBack: boolean;
}

/** One piece of work: what it takes, and which images bty's server must have prepared before. */
export interface Work {
  readonly diskBytes: number;
  readonly offers: readonly string[];
  open(bench: Bench, wanted: Wanted): OpenContest | Promise<OpenContest>;
}

function flashing(
  offers: readonly string[],
  work: Partial<Omit<FlashWork, 'image' | 'start' | 'tools' | 'readBack'>> & {
    start?: string;
    image?: string;
    copies?: number;
    tools: readonly tools.FlashTool[];
  },
): Work {
  const { machines = 1, link = 'loopback', copies = 1, image = 'box.img', sizeBytes = 2 * GIB } = work;
  const start = (bench: Bench): StartContent =>
    work.start === undefined ? 'old-data' : { file: bench.imageFile(work.start), copies, dirty: true };
  return {
    diskBytes: machines * sizeBytes,
    offers,
    open: (bench, { isWanted, readBack }) =>
      openFlashContest(
        {
          ...work,
          start: start(bench),
          image: { file: bench.imageFile(image), copies },
          sizeBytes,
          link,
          machines,
          readBack,
          tools: work.tools.filter(({ tool }) => isWanted(tool)),
        },
        bench,
      ),
  };
}

const fullImagePeers = (image: string, qcow2: string): tools.FlashTool[] => [
  tools.curlZstdDd(image),
  tools.curlQemuImg(qcow2),
  tools.bmaptool(image),
  tools.btyLab(image),
];

const WORKS = {
  'first-flash': flashing([ZST], {
    tools: [
      tools.ours(ZST, 'written'),
      tools.ours(ZST, 'full'),
      tools.ours(ZST, 'off'),
      ...fullImagePeers('box', 'box.qcow2'),
    ],
  }),
  qcow2: flashing(['box.qcow2'], {
    tools: [tools.ours('box.qcow2'), tools.qemuImg('box.qcow2'), tools.qemuImgDirect('box.qcow2')],
  }),
  'local-qcow2': flashing([], {
    tools: [tools.oursLocal('box.qcow2'), tools.qemuImg('box.qcow2'), tools.qemuImgDirect('box.qcow2')],
  }),
  'local-qcow2-compressed': flashing([], {
    tools: [
      tools.oursLocal('box-compressed.qcow2'),
      tools.qemuImg('box-compressed.qcow2'),
      tools.qemuImgDirect('box-compressed.qcow2'),
    ],
  }),
  reflash: flashing([ZST], {
    start: 'box.img',
    tools: [tools.ours(ZST), ...fullImagePeers('box', 'box.qcow2'), tools.casync('box')],
  }),
  'reflash-gigabit': flashing([ZST], {
    start: 'box.img',
    link: 'gigabit',
    tools: [tools.ours(ZST), ...fullImagePeers('box', 'box-compressed.qcow2')],
  }),
  'ten-machines': flashing(['small-nightly.img.zst'], {
    start: 'small.img',
    image: 'small-nightly.img',
    sizeBytes: GIB,
    link: 'gigabit',
    machines: 10,
    tools: [tools.ours('small-nightly.img.zst'), tools.curlZstdDd('small-nightly'), tools.bmaptool('small-nightly')],
  }),
  prepare: { diskBytes: 0, offers: [], open: openPrepareContest },
  serve: { diskBytes: 0, offers: [], open: openServeContest },
  nightly: flashing(['box-nightly.img.zst'], {
    start: 'box.img',
    image: 'box-nightly.img',
    tools: [tools.ours('box-nightly.img.zst'), tools.curlZstdDd('box-nightly')],
  }),
  rebuilt: flashing(['box-rebuilt.img.zst'], {
    start: 'box.img',
    image: 'box-rebuilt.img',
    tools: [tools.ours('box-rebuilt.img.zst'), tools.curlZstdDd('box-rebuilt')],
  }),
  'slow-first-flash': flashing([ZST], { slowDisk: true, tools: [tools.ours(ZST), tools.curlZstdDd('box')] }),
  'slow-reflash': flashing([ZST], {
    slowDisk: true,
    start: 'box.img',
    tools: [tools.ours(ZST), tools.curlZstdDd('box')],
  }),
} satisfies Record<string, Work>;

const GROWTH: Record<string, Work> = Object.fromEntries(
  GROWN.flatMap((copies) => {
    const image = `grown-${copies}.img.zst`;
    const grown = { image: 'small.img', copies, sizeBytes: copies * GIB, tools: [tools.ours(image)] };
    return [
      [`growth-first-flash-${copies}`, flashing([image], grown)],
      [`growth-reflash-${copies}`, flashing([image], { ...grown, start: 'small.img' })],
    ];
  }),
);

export function workOf(name: string): Work {
  const work = (WORKS as Record<string, Work>)[name] ?? GROWTH[name];
  if (work === undefined) throw new Error(`no work is called ${name}`);
  return work;
}

/** A row, the work that measures it, and whether `--quick` has time for it. */
export interface Row extends RowSpec {
  readonly work: keyof typeof WORKS | `growth-${string}`;
  readonly quick?: boolean;
}

/** Tools that take longer than `--quick` has time for; its rows show them as not run. */
export const SLOW_TOOLS: readonly string[] = [CASYNC, tools.btyLab('box').tool];

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
    peers: [DD, tools.bmaptool('box').tool],
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
