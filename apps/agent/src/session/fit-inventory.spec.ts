import type { Inventory } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { fitInventory } from './fit-inventory.js';

function machineWith(count: number, text: string): Inventory {
  const disk = {
    path: '/dev/sda',
    size_bytes: 1,
    logical_sector_bytes: 512,
    by_id: Array.from({ length: 20 }, () => text),
    transport: 'sas' as const,
    removable: false,
    read_only: false,
    in_use: [text, text],
    member_of: [text, text],
  };
  const disks = Array.from({ length: count }, () => disk);
  return { disks, nics: [], firmware: 'uefi', ram_bytes: 1, cpu_count: 1 };
}

describe('fitInventory', () => {
  it('leaves an ordinary machine as it is', () => {
    const inventory = machineWith(4, 'x');
    expect(fitInventory(inventory)).toBe(inventory);
  });

  it.each([
    [120, 'l'.repeat(60), 120],
    [256, 'l'.repeat(255), 90],
  ])('makes %d disks fit a frame', (count, text, atLeast) => {
    const fitted = fitInventory(machineWith(count, text));
    expect(Buffer.byteLength(JSON.stringify(fitted))).toBeLessThan(62 * 1024 + 1);
    expect(fitted.disks.length).toBeGreaterThanOrEqual(Math.min(count, atLeast));
    expect(fitted).toMatchObject({ abridged: true, disks: { 0: { in_use: [text], member_of: [text], by_id: [] } } });
  });
});
