import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import type { Machine } from '../../lab/machine.ts';
import { eventually } from '../../lab/process.ts';
import { blankDisk } from '../disks.ts';
import { enlargedImage } from '../images.ts';
import { endsAsExpected, newJob, writtenShare } from '../steps.ts';

const MIB = 2 ** 20;
const MAC = '52:54:00:b7:11:01';
const MEMORY_MIB = 640;
const IMAGE_MIB = 1024;

describe('a BIOS machine with less memory than the image is long', () => {
  let lab: Lab;
  let machine: Machine;
  let disk: string;
  let image: string;

  beforeAll(async () => {
    lab = new Lab({ name: `bty-large-${process.pid}`, bootDir: inject('bootDir') });
    await lab.start();
    image = enlargedImage(inject('demoImage'), lab.workDir, IMAGE_MIB);
    disk = blankDisk(join(lab.workDir, 'disk.raw'), (IMAGE_MIB + 64) * MIB);
    machine = lab.addMachine({
      name: 'target',
      mac: MAC,
      firmware: 'bios',
      disks: [{ file: disk }],
      memoryMiB: MEMORY_MIB,
    });
    await lab.api.uploadReady('large.img', image);
    await lab.api.putMachine(MAC, { image: 'large.img', boot_policy: 'flash' });
  });

  afterAll(async () => lab?.stop());

  it('is flashed although the server is killed and started again in the middle', async () => {
    const before = blankDisk(join(lab.workDir, 'before.raw'), (IMAGE_MIB + 64) * MIB);
    machine.powerOn();
    const { id } = await newJob(lab, MAC);
    await eventually('a fifth is written', 240_000, async () => (await writtenShare(lab, id)) > 0.2);
    await lab.stopServer('SIGKILL');
    await lab.startServer();
    const share = await eventually('the job goes on', 60_000, () => writtenShare(lab, id).catch(() => undefined));
    expect(share).toBeLessThan(0.95);
    const job = await endsAsExpected(lab, machine, id, { disk, before, image });
    expect(job.epoch).toBe(1);
    expect(job.result?.peak_rss_bytes).toBeLessThan(200 * MIB);
    await machine.reachesLogin();
    expect(await lab.api.flashJobs(MAC)).toHaveLength(1);
  });
});
