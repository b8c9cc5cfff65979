import { chooseTarget } from '@bty/target-choice';
import type { InventoryDisk } from '@bty/wire-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent, INVENTORY } from './fake-agent.js';
import { newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const IMAGE = Buffer.alloc(4096, 1);
const [FIRST] = INVENTORY.disks as [InventoryDisk];
const SECOND: InventoryDisk = { ...FIRST, path: '/dev/vdb', serial: 'DISK-2', by_id: ['virtio-DISK-2'] };
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', IMAGE);
});

afterAll(() => server.stop());

/** A machine whose agent has told these disks. */
async function machineWith(disks: InventoryDisk[], fields: Record<string, unknown> = {}): Promise<FakeAgent> {
  const mac = await newMachine(server, { boot_policy: 'tui', image: 'debian.img', ...fields });
  return FakeAgent.boot(server, mac, { inventory: { ...INVENTORY, disks } });
}

async function preview(mac: string, body: unknown = {}) {
  const answer = await server.post(`/machines/${mac}/target`, body);
  expect([answer.status, answer.json.detail]).toEqual([200, undefined]);
  return answer.json;
}

describe('POST /machines/{mac}/target', () => {
  it('says which disk would be taken, and why', async () => {
    const { mac } = await machineWith([FIRST]);
    expect(await preview(mac)).toMatchObject({
      target: FIRST,
      code: null,
      why: 'it is the only disk that may be written',
      disks: [{ path: '/dev/vda', serial: 'DISK-1', wwn: null, eligible: true, reasons: [] }],
      target_hint: null,
      image: { name: 'debian.img', content_size_bytes: 4096, sector_bytes: null },
      last_target: null,
      inventory_complete: true,
    });
  });

  it('refuses two disks with every disk and reason, until record or request tell them apart', async () => {
    const { mac } = await machineWith([
      FIRST,
      { ...SECOND, in_use: ['swap'] },
      { ...SECOND, path: '/dev/vdc', serial: '3' },
    ]);
    expect(await preview(mac)).toMatchObject({
      target: null,
      code: 'TARGET_AMBIGUOUS',
      why: expect.stringMatching(/^2 disks may be written: give a target hint\.\n\/dev\/vda: eligible/),
      disks: [
        { path: '/dev/vda', eligible: true, reasons: [] },
        { path: '/dev/vdb', eligible: false, reasons: [{ code: 'TARGET_BUSY', message: 'in use: swap' }] },
        { path: '/dev/vdc', eligible: true, reasons: [] },
      ],
    });
    expect(await preview(mac, { target_hint: { serial: ' 3 ' } })).toMatchObject({
      target: { path: '/dev/vdc' },
      target_hint: { serial: '3' },
    });
    await server.put(`/machines/${mac}`, { boot_policy: 'tui', target_hint: { serial: 'DISK-1' } });
    expect(await preview(mac)).toMatchObject({ target: { path: '/dev/vda' }, target_hint: { serial: 'DISK-1' } });
    expect(await preview(mac, { target_hint: {} })).toMatchObject({ code: 'TARGET_AMBIGUOUS' });
  });

  it('knows the size and the sectors that the image needs, and does without an image', async () => {
    const { mac } = await machineWith([{ ...FIRST, size_bytes: 2048 }], { image: null });
    expect(await preview(mac)).toMatchObject({ target: { path: '/dev/vda' }, image: null });
    expect(await preview(mac, { image: 'debian.img' })).toMatchObject({ code: 'TARGET_TOO_SMALL' });
    await query(server.database, `UPDATE images SET sector_bytes = 4096 WHERE name = 'debian.img'`);
    expect(await preview((await machineWith([FIRST])).mac)).toMatchObject({
      code: 'SECTOR_SIZE_MISMATCH',
      image: { sector_bytes: 4096 },
    });
    await query(server.database, `UPDATE images SET sector_bytes = NULL WHERE name = 'debian.img'`);
  });

  it('tells how old the inventory is, and when it leaves something out', async () => {
    const mac = await newMachine(server, { boot_policy: 'tui', image: 'debian.img' });
    await FakeAgent.boot(server, mac, { inventory: { ...INVENTORY, abridged: true } });
    await query(server.database, `UPDATE machines SET inventory_at = now() - interval '2 h' WHERE mac = $1`, [mac]);
    const { inventory_age_seconds: age, inventory_at: at, inventory_complete: complete } = await preview(mac);
    expect(age).toBeGreaterThanOrEqual(7200);
    expect(age).toBeLessThan(7230);
    expect(Math.abs(Date.now() - Date.parse(at) - age * 1000)).toBeLessThan(30_000);
    expect(complete).toBe(false);
  });

  it('decides as the agent of the flash does, also about a disk that carries its last system', async () => {
    const lvm = { ...FIRST, member_of: ['LVM2_member on /dev/vda2'] };
    const agent = await machineWith([lvm]);
    expect(await preview(agent.mac)).toMatchObject({ code: 'TARGET_MEMBER', last_target: null });
    expect(await preview(agent.mac, { target_hint: { allow_members: true } })).toMatchObject({
      target: { path: '/dev/vda' },
      why: expect.stringContaining('the hint allows it'),
    });

    await server.post('/flash-jobs', { mac: agent.mac, target_hint: { allow_members: true } });
    const first = await agent.receive('flash.start');
    expect(first).not.toHaveProperty('last_target');
    await agent.flash(first);
    expect(await preview(agent.mac)).toMatchObject({
      target: { path: '/dev/vda' },
      why: expect.stringContaining('the last flash of this machine wrote this disk'),
      last_target: { serial: 'DISK-1' },
    });
    await server.post('/flash-jobs', { mac: agent.mac });
    const second = await agent.receive('flash.start');
    expect(second.last_target).toEqual({ path: '/dev/vda', size_bytes: 1 << 30, serial: 'DISK-1' });
    const wish = { neededBytes: second.image.content_size_bytes, lastTarget: second.last_target };
    expect(chooseTarget([lvm], wish)).toMatchObject({ ok: { path: '/dev/vda' } });
    expect(chooseTarget([{ ...lvm, serial: 'DISK-9' }], wish)).toMatchObject({ refused: 'TARGET_MEMBER' });
  });

  it.each([
    [{ colour: 'red' }, 'colour'],
    [{ image: 'not-there.img' }, 'image'],
    [{ image: 7 }, 'image'],
    [{ target_hint: { serial: null } }, 'target_hint.serial'],
    [{ target_hint: { min_size_bytes: 2, max_size_bytes: 1 } }, 'target_hint.max_size_bytes'],
  ])('answers 422 for %j and names %s', async (body, field) => {
    const { mac } = await machineWith([FIRST]);
    const answer = await server.post(`/machines/${mac}/target`, body);
    expect([answer.status, answer.json.fields[0].field]).toEqual([422, field]);
  });

  it('answers 409 while nobody has told the disks, or the image is being prepared', async () => {
    const silent = await newMachine(server, { boot_policy: 'tui' });
    const answer = await server.post(`/machines/${silent}/target`, {});
    expect([answer.status, answer.json.code]).toEqual([409, 'CONFLICT']);
    expect(answer.json.detail).toContain('boot it into the live env once');

    const { mac } = await machineWith([FIRST]);
    await query(server.database, `UPDATE images SET state = 'preparing' WHERE name = 'debian.img'`);
    expect((await server.post(`/machines/${mac}/target`, {})).status).toBe(409);
    await query(server.database, `UPDATE images SET state = 'ready' WHERE name = 'debian.img'`);
  });

  it('answers 404 for a machine without a record, 400 for no MAC address, and 401 without a token', async () => {
    expect((await server.post('/machines/52:54:00:ff:ff:01/target', {})).status).toBe(404);
    expect((await server.post('/machines/zz/target', {})).status).toBe(400);
    const anonymous = { method: 'POST', anonymous: true };
    expect((await server.ask('/machines/52:54:00:ff:ff:01/target', anonymous)).status).toBe(401);
  });
});
