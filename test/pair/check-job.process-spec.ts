/** Check jobs with all that they need: a real server, a real agent, a real block device. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expected } from '@bty/image-format';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess } from '../../apps/agent/test/agent-process.ts';
import { LoopDisk } from '../../apps/agent/test/loop-disk.ts';
import { kernelArgument } from '../../apps/server/test/fake-agent.ts';
import { job, jobIn, newMachine } from '../../apps/server/test/flash-steps.ts';
import { putImage } from '../../apps/server/test/image-steps.ts';
import { TestServer } from '../../apps/server/test/test-server.ts';
import { buildGptImage } from '../../libs/image-format/src/gpt-image.builder.ts';

const MIB = 1024 * 1024;
const IMAGE = buildGptImage({ sizeBytes: 16 * MIB, fill: (bytes) => void randomBytes(bytes.length).copy(bytes) });

let server: TestServer;
let agent: AgentProcess | undefined;
const disks: LoopDisk[] = [];

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', IMAGE);
});

afterAll(() => server.stop());

afterEach(async () => {
  await agent?.remove();
  agent = undefined;
  for (const disk of disks.splice(0)) disk.remove();
});

function loopDisk(...args: ConstructorParameters<typeof LoopDisk>): LoopDisk {
  const disk = new LoopDisk(...args);
  disks.push(disk);
  return disk;
}

/** The disk as a flash of the image leaves it. */
const flashedContent = (): Buffer => expected(IMAGE, randomBytes(20 * MIB));

/** Writes, discards and flushes that the kernel has counted for a device (Documentation/block/stat.rst). */
function countedWrites({ path }: LoopDisk): number {
  const fields = readFileSync(`/sys/block/${basename(path)}/stat`, 'utf8')
    .trim()
    .split(/\s+/)
    .map(Number);
  return (fields[4] ?? 0) + (fields[11] ?? 0) + (fields[15] ?? 0);
}

const contact = async (mac: string): Promise<string> => (await server.ask(`/pxe/${mac}`, { anonymous: true })).text;

/** Boots the machine as its firmware does: asks for the script, starts the agent with what that says. */
async function boot(mac: string, disk: LoopDisk): Promise<string> {
  const script = await contact(mac);
  const mode = kernelArgument(script, 'mode') as 'flash' | 'tui';
  agent = new AgentProcess(server.url, [disk.path], mode, { mac, token: kernelArgument(script, 'token') });
  agent.start();
  return script;
}

describe('a check job', () => {
  it('boots the live env once, tells where the disk differs, writes nothing, and the disk is booted again', async () => {
    const mac = await newMachine(server, { boot_policy: 'flash', image: 'debian.img' });
    const made = await server.post('/flash-jobs', { mac, kind: 'check' });
    expect([made.status, made.json]).toMatchObject([201, { kind: 'check', state: 'queued', check_result: null }]);
    const content = flashedContent();
    for (const at of [700, 9 * MIB, 20 * MIB - 1]) content[at] = (content[at] ?? 0) ^ 1;
    const disk = loopDisk(content);
    const writesBefore = countedWrites(disk);
    expect(await boot(mac, disk)).toContain(`check job ${made.json.id} is queued`);
    // Outside the live env the agent ends where it would reboot.
    expect(await agent?.ended()).toBe(0);
    const done = await job(server, made.json.id);
    expect(done).toMatchObject({ kind: 'check', state: 'succeeded', result: null, error: null, epoch: 1 });
    expect(done.check_result).toMatchObject({
      target: { path: disk.path, size_bytes: 20 * MIB },
      equal: false,
      compared_bytes: 17 * MIB,
      differing_bytes: 2 * 4096 + 64 * 1024,
      ranges: [
        { offset_bytes: 0, length_bytes: 4096 },
        { offset_bytes: 9 * MIB, length_bytes: 64 * 1024 },
        { offset_bytes: 20 * MIB - 4096, length_bytes: 4096 },
      ],
      ranges_left_off: 0,
      partitions: [{ number: 1, differing_bytes: 64 * 1024 }],
      differing_bytes_outside_partitions: 8192,
    });
    const stages = done.history.map((entry: { state: string; stage: string | null }) => entry.stage ?? entry.state);
    expect(stages).toEqual(['queued', 'dispatched', 'preparing', 'comparing', 'succeeded']);
    expect(countedWrites(disk)).toBe(writesBefore);
    expect(disk.content().equals(content)).toBe(true);
    expect(await contact(mac)).toMatch(/first boot after a flash or a check[\s\S]*\nsanboot/);
    const record = (await server.ask(`/machines/${mac}`)).json;
    expect(record).toMatchObject({ last_flashed_at: null, last_flash_job: null, active_flash_job: null });
    const events = (await server.ask(`/events?subject=flash-job/${made.json.id}`)).json;
    expect(events.at(-1)).toMatchObject({ action: 'flash-job.created', after: { kind: 'check', mac } });
  });

  it('reads a disk that cannot be written, for an agent that waits at the console and stays there', async () => {
    const mac = await newMachine(server, { boot_policy: 'tui' });
    const disk = loopDisk(flashedContent(), { readOnly: true });
    await boot(mac, disk);
    const { id } = (await server.post('/flash-jobs', { mac, kind: 'check', image: 'debian.img' })).json;
    expect((await jobIn(server, id, 'succeeded')).check_result).toMatchObject({ equal: true, differing_bytes: 0 });
    expect((await server.ask(`/machines/${mac}`)).json.agent_connected).toBe(true);
    expect(agent?.log).not.toContain('rebooting');
    const again = (await server.post('/flash-jobs', { mac, kind: 'check', image: 'debian.img' })).json;
    expect((await jobIn(server, again.id, 'succeeded')).check_result.equal).toBe(true);
  });

  it('that cannot be done fails with the reason and the log, and the disk is booted again', async () => {
    const mac = await newMachine(server, { boot_policy: 'local', image: 'debian.img' });
    const hint = { serial: 'nobody' };
    const { id } = (await server.post('/flash-jobs', { mac, kind: 'check', target_hint: hint })).json;
    await boot(mac, loopDisk(flashedContent()));
    expect(await agent?.ended()).toBe(0);
    expect(await job(server, id)).toMatchObject({ state: 'failed', error: { code: 'TARGET_NOT_FOUND' } });
    expect((await server.ask(`/flash-jobs/${id}/log`)).text).toContain('TARGET_NOT_FOUND');
    expect(await contact(mac)).toContain('first boot after a flash or a check');
  });
});
