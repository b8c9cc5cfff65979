/** Every image format on one kind of firmware: flashed over a used disk, byte for byte, and booted. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import { dirtyDisk } from '../disks.ts';
import { compressedImage, qcow2Image } from '../images.ts';
import { endsAsExpected, newJob } from '../steps.ts';

const MIB = 2 ** 20;

const FORMATS: [string, (raw: string, workDir: string) => string][] = [
  ['demo.img', (raw) => raw],
  ['demo.img.zst', compressedImage],
  ['demo.qcow2', qcow2Image],
];

export function everyFormatOn(firmware: 'bios' | 'uefi'): void {
  describe(`a ${firmware.toUpperCase()} machine`, () => {
    let lab: Lab;

    beforeAll(async () => {
      lab = new Lab({ name: `bty-all-${firmware}-${process.pid}`, bootDir: inject('bootDir') });
      await lab.start();
    });

    afterAll(async () => lab?.stop());

    it.each(FORMATS)('is flashed with %s and boots', async (name, make) => {
      const mac = `52:54:00:b7:a${firmware === 'bios' ? 0 : 1}:0${FORMATS.findIndex(([known]) => known === name)}`;
      const disk = dirtyDisk(join(lab.workDir, `${name}.disk.raw`), 600 * MIB);
      const before = dirtyDisk(join(lab.workDir, 'before.raw'), 600 * MIB);
      const machine = lab.addMachine({ name: `with-${name}`, mac, firmware, disks: [{ file: disk }] });
      await lab.api.uploadReady(name, make(inject('demoImage'), lab.workDir));
      await lab.api.putMachine(mac, { image: name, boot_policy: 'flash' });
      machine.powerOn();
      const { id } = await newJob(lab, mac);
      await endsAsExpected(lab, machine, id, { disk, before, image: inject('demoImage') });
      await machine.reachesLogin();
      await machine.powerOff();
    });
  });
}
