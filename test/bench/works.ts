/** The pieces of work that rows are measured by: what lies on the disks before, which image goes on them, over which link. */
import type { Bench } from './bench.ts';
import type { StartContent } from './disk-content.ts';
import { type FlashWork, type OpenContest, openFlashContest } from './flash-contest.ts';
import * as tools from './flash-tools.ts';
import { openPrepareContest } from './prepare-contest.ts';
import { openServeContest } from './serve-contest.ts';

const GIB = 2 ** 30;
const ZST = 'box.img.zst';
/** GiB of the disks that show how time and memory grow. */
export const GROWN = [1, 2, 4, 8] as const;
/** Rounds of work that is shown without a target. */
const SHOWN_ROUNDS = 2;

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
  /** At most so many, where each takes long and none is compared with a target. */
  readonly rounds?: number;
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
  prepare: { diskBytes: 4 * GIB, offers: [], open: openPrepareContest },
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
  'slow-first-flash': {
    ...flashing([ZST], { slowDisk: true, tools: [tools.ours(ZST), tools.curlZstdDd('box')] }),
    rounds: SHOWN_ROUNDS,
  },
  'slow-reflash': {
    ...flashing([ZST], { slowDisk: true, start: 'box.img', tools: [tools.ours(ZST), tools.curlZstdDd('box')] }),
    rounds: SHOWN_ROUNDS,
  },
} satisfies Record<string, Work>;

const GROWTH: Record<string, Work> = Object.fromEntries(
  GROWN.flatMap((copies) => {
    const image = `grown-${copies}.img.zst`;
    const grown = { image: 'small.img', copies, sizeBytes: copies * GIB, tools: [tools.ours(image)] };
    return [
      [`growth-first-flash-${copies}`, { ...flashing([image], grown), rounds: SHOWN_ROUNDS }],
      [`growth-reflash-${copies}`, { ...flashing([image], { ...grown, start: 'small.img' }), rounds: SHOWN_ROUNDS }],
    ];
  }),
);

export type WorkName = keyof typeof WORKS | `growth-${string}`;

export function workOf(name: string): Work {
  const work = (WORKS as Record<string, Work>)[name] ?? GROWTH[name];
  if (work === undefined) throw new Error(`no work is called ${name}`);
  return work;
}
