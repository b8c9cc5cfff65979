/** The main job, as a person sees it: a blank machine PXE-boots, is flashed, and reaches the login of its new OS. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Lab } from '../lab/lab.ts';
import type { Act } from './act.ts';
import { cijoe } from './cijoe.ts';
import { cijoeOnline } from './cijoe-online.ts';
import { cloudInit } from './cloud-init.ts';
import { flashToLogin } from './flash-to-login.ts';
import { noProvisioning } from './none.ts';
import { play, say } from './play.ts';
import { ProgressLine } from './progress-line.ts';
import { printTimeline } from './timeline.ts';

const MAC = '52:54:00:b7:00:01';
const GIB = 2 ** 30;

const { values: options } = parseArgs({
  options: {
    image: { type: 'string' },
    firmware: { type: 'string', default: 'bios' },
    provision: { type: 'string', default: 'none' },
    drift: { type: 'boolean', default: false },
    once: { type: 'boolean' },
    json: { type: 'boolean' },
  },
});
const firmware = options.firmware === 'uefi' ? 'uefi' : 'bios';
const bootDir = process.env['BTY_BOOT_DIR'];
if (!options.image || !bootDir) throw new Error('run me as script/demo');
const image = options.image;

const ACTS: Record<string, Act> = {
  none: noProvisioning,
  'cloud-init': cloudInit(),
  cijoe: cijoe(),
  'cijoe-online': cijoeOnline({ drift: options.drift }),
};
const act = ACTS[options.provision];
if (act === undefined) throw new Error(`no provisioning mode ${options.provision}`);

const lab = new Lab({ name: `bty-demo-${process.pid}`, bootDir });
await play(lab, { once: options.once ?? false, staysUp: 'The server and the machine stay up' }, async () => {
  say('starting the server (its own Postgres), DHCP and a network');
  await lab.start();
  say(`Swagger UI   ${lab.api.baseUrl}/docs`);
  say(`admin token  ${lab.adminToken}`);
  const disk = join(lab.workDir, 'blank-disk.raw');
  writeFileSync(disk, '');
  truncateSync(disk, GIB);
  const machine = lab.addMachine({ name: 'demo', mac: MAC, firmware, disks: [{ file: disk }] });
  const order = { image, provisioning: options.provision, act };
  const timeline = await flashToLogin(lab, machine, order, new ProgressLine(process.stderr, say));
  printTimeline(timeline, options.json ? 'json' : 'text');
});
