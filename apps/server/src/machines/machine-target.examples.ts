import type { TargetDto, TargetPost } from './machine-target.dto.js';

const SSD = {
  path: '/dev/nvme0n1',
  size_bytes: 512_110_190_592,
  serial: 'S5H9NS0N986704R',
  wwn: 'eui.0025385b91b05f3c',
  model: 'Samsung SSD 970 EVO Plus 500GB',
  transport: 'nvme',
} as const;

const DISK = {
  path: '/dev/sda',
  size_bytes: 4_000_787_030_016,
  serial: 'WD-WCC7K0HD5X2A',
  wwn: 'naa.50014ee2b9e5f7a1',
  model: 'WDC WD40EFRX-68N',
  transport: 'sata',
} as const;

const SURROUNDINGS = {
  image: { name: 'debian-13.img', content_size_bytes: 2_147_483_648, sector_bytes: 512 },
  last_target: null,
  inventory_at: '2026-11-20T08:15:30.000Z',
  inventory_age_seconds: 5400,
  inventory_complete: true,
};

/** What may be asked, for Swagger. */
export const TARGET_QUESTIONS: Record<string, { summary: string; value: TargetPost }> = {
  record: { summary: 'as the record says', value: {} },
  hint: { summary: 'would this hint do?', value: { target_hint: { serial: SSD.serial } } },
  image: { summary: 'would this image fit?', value: { image: 'debian-13.img', target_hint: { transport: 'nvme' } } },
};

const chosen: TargetDto = {
  target: {
    ...SSD,
    logical_sector_bytes: 512,
    by_id: ['nvme-eui.0025385b91b05f3c'],
    removable: false,
    read_only: false,
    in_use: [],
  },
  code: null,
  why: 'it is the only disk that matches the hint (serial) and may be written',
  disks: [
    { ...SSD, eligible: true, reasons: [] },
    {
      ...DISK,
      eligible: false,
      reasons: [{ code: 'TARGET_NOT_FOUND', message: `its serial is ${DISK.serial}, the hint asks for ${SSD.serial}` }],
    },
  ],
  target_hint: { serial: SSD.serial },
  ...SURROUNDINGS,
};

const refused: TargetDto = {
  target: null,
  code: 'TARGET_AMBIGUOUS',
  why: '2 disks may be written: give a target hint.\n/dev/nvme0n1: eligible\n/dev/sda: eligible',
  disks: [
    { ...SSD, eligible: true, reasons: [] },
    { ...DISK, eligible: true, reasons: [] },
  ],
  target_hint: null,
  ...SURROUNDINGS,
};

/** What may be answered, for Swagger. */
export const TARGET_ANSWERS: Record<string, { summary: string; value: TargetDto }> = {
  chosen: { summary: 'one disk', value: chosen },
  refused: { summary: 'refused', value: refused },
};
