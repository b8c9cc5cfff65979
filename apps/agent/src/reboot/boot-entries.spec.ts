import { describe, expect, it } from 'vitest';
import { parseBootEntries, sortOwnEntries } from './boot-entries.js';

const GUID = 'a5a5a5a5-0000-1111-2222-333344445555';
const OUTPUT = `BootCurrent: 0003
Timeout: 0 seconds
BootOrder: 0003,0000
Boot0000* UiApp\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)
Boot0003* UEFI PXEv4 (MAC:525400ABCD01)\tPciRoot(0x0)/Pci(0x3,0x0)/MAC(525400abcd01,1)/IPv4(0.0.0.00.0.0.0,0,0)
Boot0005* bty-disk\tHD(1,GPT,A5A5A5A5-0000-1111-2222-333344445555,0x800,0x10000)/File(\\EFI\\BOOT\\BOOTX64.EFI)
Boot0006  bty-disk\tHD(1,GPT,00000000-0000-1111-2222-333344445555,0x800,0x10000)/File(\\EFI\\BOOT\\BOOTX64.EFI)
`;

describe('the firmware’s boot entries', () => {
  it('are read with number, label and path', () => {
    expect(parseBootEntries(OUTPUT).map(({ number, label }) => [number, label])).toEqual([
      ['0000', 'UiApp'],
      ['0003', 'UEFI PXEv4 (MAC:525400ABCD01)'],
      ['0005', 'bty-disk'],
      ['0006', 'bty-disk'],
    ]);
  });

  it('of ours are told apart: the one that fits, and those of disks that are gone', () => {
    const { fitting, stale } = sortOwnEntries(parseBootEntries(OUTPUT), GUID);
    expect(fitting?.number).toBe('0005');
    expect(stale.map(({ number }) => number)).toEqual(['0006']);
  });

  it('of others are never stale', () => {
    const { fitting, stale } = sortOwnEntries(parseBootEntries(OUTPUT.replaceAll('bty-disk', 'debian')), GUID);
    expect([fitting, stale]).toEqual([undefined, []]);
  });
});
