import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../../deploy/bty-reboot-to-pxe');
const ENTRIES = `BootCurrent: 0001
Timeout: 1 seconds
BootOrder: 0001,0004,0005,0003
Boot0001* debian\tHD(1,GPT,c0ffee)/File(\\EFI\\debian\\shimx64.efi)
Boot0003* UEFI PXEv6 (MAC:525400CC0001)\tPciRoot(0x0)/Pci(0x2,0x0)/MAC(525400cc0001,1)/IPv6([::])
Boot0004* UEFI HTTPv4 (MAC:525400CC0001)\tPciRoot(0x0)/Pci(0x2,0x0)/MAC(525400cc0001,1)/IPv4(0.0.0.0)/Uri()
`;
const PXE = `Boot000A* UEFI PXEv4 (MAC:525400CC0001)\tPciRoot(0x0)/Pci(0x2,0x0)/MAC(525400cc0001,1)/IPv4(0.0.0.0)
Boot000B* UEFI PXEv4 (MAC:525400CC0002)\tPciRoot(0x0)/Pci(0x3,0x0)/MAC(525400cc0002,1)/IPv4(0.0.0.0)
`;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bty-reboot-'));
  program('systemctl', 'echo "systemctl $*"');
});

afterEach(() => rmSync(folder, { recursive: true }));

function program(name: string, body: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

function efibootmgr(entries: string): void {
  writeFileSync(join(folder, 'entries'), entries);
  program('efibootmgr', `[ $# -eq 0 ] && exec cat '${folder}/entries'\necho "efibootmgr $*"`);
}

/** Runs the script on a system that was started by this firmware. */
function reboot(firmware: 'bios' | 'uefi'): { status: number | null; stdout: string; stderr: string } {
  const system = `mount -t tmpfs tmpfs /sys/firmware && ${firmware === 'uefi' ? 'mkdir' : '! test -e'} /sys/firmware/efi`;
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', `${system} && exec sh '${SCRIPT}'`], {
    env: { PATH: `${folder}:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('bty-reboot-to-pxe', () => {
  it("asks UEFI firmware for the first card's PXE entry over IPv4, once", () => {
    efibootmgr(ENTRIES + PXE);
    const stdout = 'efibootmgr --quiet --bootnext 000A\nsystemctl reboot\n';
    expect(reboot('uefi')).toEqual({ status: 0, stdout, stderr: '' });
  });

  it('says that there is no such entry, and does not reboot', () => {
    efibootmgr(ENTRIES);
    expect(reboot('uefi')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('no entry for PXE'),
    });
  });

  it('does not reboot when the firmware refuses', () => {
    efibootmgr(ENTRIES + PXE);
    program('efibootmgr', `[ $# -eq 0 ] && exec cat '${folder}/entries'\necho refused >&2; exit 5`);
    expect(reboot('uefi')).toEqual({ status: 5, stdout: '', stderr: 'refused\n' });
  });

  it('only reboots under BIOS, which tries the network first', () => {
    expect(reboot('bios')).toEqual({ status: 0, stdout: 'systemctl reboot\n', stderr: '' });
  });
});
