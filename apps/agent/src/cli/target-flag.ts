import { BtyError, type TargetHint, TRANSPORTS } from '@bty/wire-types';

/** What `--target` asks for: a disk by its node or a link to it, or by what it is. */
export type TargetFlag = { kind: 'device'; path: string } | { kind: 'hint'; hint: TargetHint };

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};
const TEXTS = ['serial', 'wwn', 'by_id', 'model'] as const;
const SIZES: Readonly<Record<string, 'min_size_bytes' | 'max_size_bytes'>> = {
  min_size: 'min_size_bytes',
  max_size: 'max_size_bytes',
};
const ALLOWANCES = ['allow_removable', 'allow_members'] as const;
const KEYS = [...TEXTS, 'transport', ...Object.keys(SIZES), ...ALLOWANCES].map((key) => key.replaceAll('_', '-'));

function usage(message: string): BtyError {
  return new BtyError('INVALID_REQUEST', `--target: ${message}`);
}

/** 500G, 1.5T, 512MiB, 4096: a size in bytes. */
function parseSize(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?$/i.exec(text) ?? [];
  const factor = UNITS[unit?.toLowerCase() ?? ''];
  if (digits === undefined || factor === undefined) throw usage(`not a size: ${text} (such as 500G, 1.5T, 512MiB)`);
  return Math.round(Number(digits) * factor);
}

function field(key: string, value: string): TargetHint {
  const text = TEXTS.find((known) => known === key);
  const size = SIZES[key];
  const allowance = ALLOWANCES.find((known) => known === key);
  if (allowance !== undefined) {
    if (value !== '' && value !== 'true') throw usage(`${key} stands alone or says true, not ${value}`);
    return { [allowance]: true };
  }
  if (value === '') throw usage(`${key} needs a value`);
  if (text !== undefined) return { [text]: value };
  if (size !== undefined) return { [size]: parseSize(value) };
  if (key !== 'transport') throw usage(`a hint has no ${key}, only ${KEYS.join(', ')}`);
  const transport = TRANSPORTS.find((known) => known === value);
  if (transport === undefined) throw usage(`no transport is called ${value}, only ${TRANSPORTS.join(', ')}`);
  return { transport };
}

/**
 * Reads `--target`: a path, or a hint `key=value[,key=value…]` whose parts must all match one disk. Throws
 * `INVALID_REQUEST`.
 */
export function parseTarget(text: string): TargetFlag {
  if (/^[./]/.test(text)) return { kind: 'device', path: text };
  if (!text.includes('=')) throw usage(`not a disk: ${text} (such as /dev/sdb, or serial=S3Z9NB0K1234)`);
  let hint: TargetHint = {};
  for (const part of text.split(',')) {
    const [key = '', ...rest] = part.split('=');
    hint = { ...hint, ...field(key.trim().replaceAll('-', '_'), rest.join('=').trim()) };
  }
  return { kind: 'hint', hint };
}
