/**
 * The USB stick, as a person uses it: an image is dropped into BTY_IMAGES on one computer, another one is started from the
 * stick and has its disk flashed at the console, and then starts from that disk.
 */
import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { flashByHand } from '../lab/console-hand.ts';
import { Lab } from '../lab/lab.ts';
import { copyOfStick, putImages, systemDigest } from '../lab/stick.ts';
import { checked } from './act.ts';
import { play, say } from './play.ts';
import { printChecks, printEvents, type Timeline } from './timeline.ts';

const SERIAL = 'DEMO-4711';
const GIB = 2 ** 30;

const { values: options } = parseArgs({
  options: {
    usb: { type: 'string' },
    image: { type: 'string' },
    firmware: { type: 'string', default: 'bios' },
    once: { type: 'boolean' },
    json: { type: 'boolean' },
  },
});
if (!options.image || !options.usb) throw new Error('run me as script/demo --usb FILE');
const firmware = options.firmware === 'uefi' ? 'uefi' : 'bios';
const { image, usb } = options;

/** What `--json` prints. */
interface StickTimeline extends Pick<Timeline, 'firmware' | 'events' | 'checks'> {
  stick_bytes: number;
  image: { name: string; size_bytes: number };
}

async function show(lab: Lab, given: string): Promise<StickTimeline> {
  const name = basename(image);
  const stick = copyOfStick(given, join(lab.workDir, 'stick.img'));
  say(`dropping ${name} into BTY_IMAGES of a copy of the stick`);
  putImages(stick, image);
  const system = await systemDigest(stick);
  const disk = join(lab.workDir, 'internal-disk.raw');
  writeFileSync(disk, '');
  truncateSync(disk, GIB);

  const internal = { file: disk, serial: SERIAL };
  const shape = { firmware, networkFirst: false } as const;
  const live = lab.addMachine({
    ...{ name: 'live', mac: '52:54:00:b7:02:01', ...shape },
    disks: [{ file: stick, stick: true, serial: 'STICK-0001' }, internal],
  });
  const events: Timeline['events'] = [];
  const mark = (event: string): void => {
    events.push({ event, seconds: Math.round((Date.now() - live.poweredOnAt) / 100) / 10 });
    say(event);
  };
  say('powering on: the stick is plugged in, there is no network, the internal disk is blank');
  live.powerOn();
  await live.shows(/Linux version/, 240_000);
  mark("the stick's kernel runs");
  await live.shows(/Which image\?/, 240_000);
  mark('bty tui on the serial console');
  await flashByHand(live, { image: name, disk: '/dev/vda', serial: SERIAL, below: 1 });
  mark('flashed, read back and found right');
  await live.powerOff();
  const checks = [checked("the stick's system is what it was", await systemDigest(stick), system)];

  say('powering on without the stick');
  const flashed = lab.addMachine({ name: 'flashed', mac: '52:54:00:b7:02:02', ...shape, disks: [internal] });
  flashed.powerOn();
  await flashed.reachesLogin();
  mark('login prompt of the new OS, from the internal disk');
  const size = statSync(image).size;
  return { firmware, stick_bytes: statSync(given).size, image: { name, size_bytes: size }, events, checks };
}

const lab = new Lab({ name: `bty-demo-${process.pid}`, bootDir: '' });
await play(lab, { once: options.once ?? false, staysUp: 'The machine stays up' }, async () => {
  const timeline = await show(lab, usb);
  if (options.json) process.stdout.write(`${JSON.stringify(timeline, null, 2)}\n`);
  else {
    printEvents(timeline.events);
    printChecks(timeline.checks);
  }
});
