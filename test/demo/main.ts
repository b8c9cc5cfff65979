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
import { ProgressLine } from './progress-line.ts';
import { printTimeline, type Timeline } from './timeline.ts';

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

const ACTS: Record<string, Act> = {
  none: noProvisioning,
  'cloud-init': cloudInit(),
  cijoe: cijoe(),
  'cijoe-online': cijoeOnline({ drift: options.drift }),
};
const act = ACTS[options.provision];
if (act === undefined) throw new Error(`no provisioning mode ${options.provision}`);

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function untilInterrupted(): Promise<void> {
  await new Promise((resolve) => {
    const awake = setInterval(() => {}, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(clearInterval(awake)));
  });
}

const lab = new Lab({ name: `bty-demo-${process.pid}`, bootDir });
let failure: unknown;
let timeline: Timeline | undefined;
try {
  say('starting the server (its own Postgres), DHCP and a network');
  await lab.start();
  say(`Swagger UI   ${lab.api.baseUrl}/docs`);
  say(`admin token  ${lab.adminToken}`);
  const disk = join(lab.workDir, 'blank-disk.raw');
  writeFileSync(disk, '');
  truncateSync(disk, GIB);
  const machine = lab.addMachine({ name: 'demo', mac: MAC, firmware, disks: [{ file: disk }], cpus: 2 });
  const order = { image: options.image, provisioning: options.provision, act };
  timeline = await flashToLogin(lab, machine, order, new ProgressLine(process.stderr, say));
  printTimeline(timeline, options.json ? 'json' : 'text');
} catch (error) {
  failure = error;
  say(`\nthe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  say(`logs are kept in ${lab.workDir}`);
}
if (!options.once && failure === undefined) {
  say('\nThe server and the machine stay up until you press Ctrl-C.');
  await untilInterrupted();
}
await lab.stop({ keep: failure !== undefined });
process.exitCode = failure === undefined ? 0 : 1;
