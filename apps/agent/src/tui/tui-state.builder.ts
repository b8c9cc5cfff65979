import type { InventoryDisk } from '@bty/wire-types';
import type { TuiChoice, TuiDisk, TuiImage, TuiProvisioning, TuiState } from './tui-state.js';

const GB = 1_000_000_000;

const disk = (more: Partial<InventoryDisk> & { path: string }): InventoryDisk => ({
  size_bytes: 500_107_862_016,
  logical_sector_bytes: 512,
  model: 'Samsung SSD 860',
  serial: 'S3Z9NB0K551234',
  by_id: [],
  transport: 'sata',
  removable: false,
  read_only: false,
  in_use: [],
  ...more,
});

const image = (name: string, sizeBytes: number, more: Partial<TuiImage> = {}): TuiImage => ({
  name,
  source: `/var/lib/bty/images/${name}`,
  sizeBytes,
  contentBytes: 2 * GB,
  problem: undefined,
  ...more,
});

export const IMAGES = [
  image('debian-13.img.zst', 0.4 * GB),
  image('nightly.qcow2', 1.1 * GB, { contentBytes: 8 * GB }),
  image('renamed.qcow2', 2 * GB, { contentBytes: undefined, problem: 'named .qcow2, but it is no qcow2 file' }),
] as const;

export const DISKS: readonly [TuiDisk, TuiDisk] = [
  {
    disk: disk({ path: '/dev/sda', model: 'WDC WD10EZEX', serial: 'WCC3F0123456', size_bytes: 1000 * GB }),
    content: ['GPT, 2 partitions', ' 1  536.9 MB  vfat  "EFI"', ' 2  999.5 GB  ext4  "root"'],
    objections: ['in use: /dev/sda1 is mounted on /boot/efi'],
  },
  {
    disk: disk({ path: '/dev/sdb' }),
    content: ['GPT, 1 partition', ' 1  500.1 GB  ntfs  "Backup"  Basic data partition'],
    objections: [],
  },
];

/** A choice of the first image and the second disk. */
export const choice = (provisioning: TuiProvisioning = { mode: 'none' }): TuiChoice => ({
  image: IMAGES[0],
  disk: DISKS[1].disk,
  provisioning,
});

/** What the UI shows once it has read its images. */
export const freshState = (more: Partial<TuiState> = {}): TuiState => ({
  version: '0.1.0',
  origin: 'Images in /var/lib/bty/images',
  root: true,
  canReboot: false,
  quitTo: 'quit',
  images: IMAGES,
  disks: undefined,
  imageCursor: 0,
  diskCursor: 0,
  step: { screen: 'images' },
  notice: '',
  agent: undefined,
  ...more,
});

const PLAN = [
  'Image       debian-13.img.zst  img.zst  400.0 MB',
  '            disk size  2.0 GB, sectors of 512 bytes',
  '            GPT, 2 partitions',
  '             1  134.2 MB  ESP',
  '             2    1.9 GB  root',
  'Disk        /dev/sdb  Samsung SSD 860  serial S3Z9NB0K551234  500.1 GB  sata',
  'On it now   GPT, 1 partition',
  '             1  500.1 GB  ntfs  "Backup"  Basic data partition',
  'Changes     1 partition is lost',
  '            the first 2.0 GB become the image',
  '            the 498.1 GB after it stay as they are',
  '            the last MiB is wiped, the backup of a GPT moves there',
  '            nothing is provisioned',
];

/** The UI at each of its pages. */
export const atScreen = {
  images: freshState(),
  disks: freshState({ step: { screen: 'disks', image: IMAGES[0] }, disks: DISKS, diskCursor: 1 }),
  provisioning: freshState({
    step: { screen: 'provisioning', image: IMAGES[0], disk: DISKS[1], mode: 0, file: undefined },
  }),
  confirm: freshState({
    step: { screen: 'confirm', choice: choice(), plan: { lines: PLAN, refused: false }, top: 0, typed: '' },
  }),
  flashing: freshState({
    step: {
      screen: 'flashing',
      choice: choice(),
      flash: {
        startedMs: 0,
        nowMs: 11_000,
        stages: [
          { stage: 'preparing', sinceMs: 0 },
          { stage: 'comparing', sinceMs: 900 },
          { stage: 'writing', sinceMs: 2000 },
        ],
        bytesDone: 1.3 * GB,
        bytesTotal: 2 * GB,
        bytesPerSecond: 145_000_000,
        asking: false,
        stopping: false,
      },
    },
  }),
  result: freshState({
    step: {
      screen: 'result',
      choice: choice(),
      done: true,
      lines: [
        '/dev/sdb  Samsung SSD 860  S3Z9NB0K551234',
        'now holds debian-13.img.zst, read back and compared: 2.0 GB.',
        '',
        'written 1.1 GB, zeroed 0.7 GB, right already 0.2 GB',
        'took 24 s',
      ],
    },
  }),
  job: freshState({
    origin: 'Server http://10.77.0.1:8080',
    agent: {
      connection: 'connected',
      outcome: '',
      job: {
        kind: 'flash',
        imageName: 'debian-13.img',
        target: '/dev/sda',
        stage: 'writing',
        bytesDone: 0.5 * GB,
        bytesTotal: 2 * GB,
        bytesPerSecond: 90_000_000,
      },
    },
  }),
} as const satisfies Record<string, TuiState>;
