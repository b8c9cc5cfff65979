import type { Inventory } from '@bty/wire-types';

/** The sections of what a system looks like, in the order in which they are shown. */
export const FACT_SECTIONS = [
  'os',
  'kernel',
  'packages',
  'package_files',
  'services',
  'etc',
  'users',
  'groups',
  'mounts',
  'block_devices',
  'host_keys',
  'hardware',
] as const;
export type FactSection = (typeof FACT_SECTIONS)[number];

/** What a system looks like: per section, names with their values, for instance packages with their versions. */
export type Facts = Readonly<Partial<Record<FactSection, Readonly<Record<string, string>>>>>;

const BEGINNING = 'bty-facts 1';
const END = 'bty-facts end';
const MAX_VALUE_CHARS = 4_000;

function isSection(name: string | undefined): name is FactSection {
  return (FACT_SECTIONS as readonly string[]).includes(name ?? '');
}

/**
 * Reads what facts.sh prints; undefined when it is not that, or was cut off. A name that is there several times, as kernels
 * are in RPM, has all its values.
 */
export function readFacts(text: string): Facts | undefined {
  const lines = text.split('\n');
  if (lines[0] !== BEGINNING || lines.at(-2) !== END) return undefined;
  const found = new Map<FactSection, Map<string, string[]>>();
  for (const line of lines.slice(1, -2)) {
    const [section, name, value] = line.split('\t', 3);
    if (!isSection(section) || section === 'hardware') continue;
    const entries = found.get(section) ?? new Map<string, string[]>();
    found.set(section, entries);
    if (name === undefined || value === undefined) continue;
    entries.set(name, [...(entries.get(name) ?? []), value.slice(0, MAX_VALUE_CHARS)]);
  }
  const sections = [...found].map(([section, entries]) => {
    const names = [...entries].map(([name, values]) => [name, values.sort().join(', ')] as const);
    return [section, Object.fromEntries(names.sort(([a], [b]) => (a < b ? -1 : 1)))] as const;
  });
  return Object.fromEntries(sections);
}

/** What the agent saw of the hardware, as facts. A disk's node and a link's state change by themselves: left out. */
export function hardwareFacts(inventory: Inventory): Readonly<Record<string, string>> {
  const { disks, nics, firmware, dmi_vendor, dmi_product, dmi_uuid, ram_bytes, cpu_count } = inventory;
  const board = { firmware, dmi_vendor, dmi_product, dmi_uuid, ram_bytes, cpu_count };
  const facts: Record<string, string> = {};
  for (const [name, value] of Object.entries(board)) if (value !== undefined) facts[name] = String(value);
  for (const disk of disks) {
    const { size_bytes, logical_sector_bytes, model = 'unknown model', transport } = disk;
    const name = `disk ${disk.serial ?? disk.wwn ?? disk.path}`;
    facts[name] = `${model}, ${transport}, ${size_bytes} bytes in sectors of ${logical_sector_bytes}`;
  }
  for (const nic of nics) facts[`nic ${nic.mac}`] = nic.driver ?? 'unknown driver';
  return facts;
}
