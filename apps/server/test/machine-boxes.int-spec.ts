import { randomUUID } from 'node:crypto';
import { CLOSE_CODES } from '@bty/wire-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent, INVENTORY, resultOf } from './fake-agent.js';
import { job, jobIn, newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

let server: TestServer;
let next = 0;

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
});

afterAll(() => server.stop());

function newMac(): string {
  next += 1;
  return `52:54:00:dd:00:${next.toString(16).padStart(2, '0')}`;
}

/** What an agent sees of a box with these cards. */
function boxOf(macs: string[], uuid: string | null = randomUUID()) {
  const nics = macs.map((mac, index) => ({ name: `eth${index}`, mac, link: index === 0 }));
  return { inventory: { ...INVENTORY, nics, ...(uuid === null ? {} : { dmi_uuid: uuid }) } };
}

async function record(mac: string) {
  return (await server.ask(`/machines/${mac}`)).json;
}

async function script(mac: string): Promise<string> {
  return (await server.ask(`/pxe/${mac}`, { anonymous: true })).text;
}

async function links(mac: string): Promise<string[]> {
  const events = (await server.ask(`/events?subject=machine/${mac}`)).json;
  return events
    .filter(({ action }: { action: string }) => action === 'machine.linked')
    .map(({ after }: { after: { linked_mac: string } }) => after.linked_mac);
}

/** A box whose cards A and B both have a record; the agent has booted from B. */
async function boxOfTwo(fields: Record<string, unknown> = { image: 'debian.img' }) {
  const a = await newMachine(server, fields);
  const b = newMac();
  const box = boxOf([a, b]);
  return { a, b, box, agent: await FakeAgent.boot(server, b, box) };
}

describe('records of one box', () => {
  it('are not linked before an agent has seen their cards together, and are from then on', async () => {
    const [a, b] = [newMac(), newMac()];
    for (const mac of [a, b]) await server.put(`/machines/${mac}`, { boot_policy: 'tui' });
    expect((await record(a)).linked_macs).toEqual([]);
    const box = boxOf([a, b]);
    const agent = await FakeAgent.boot(server, b, box);
    expect((await record(a)).linked_macs).toEqual([b]);
    expect((await record(b)).linked_macs).toEqual([a]);
    const all = (await server.ask('/machines')).json as { mac: string; linked_macs: string[] }[];
    expect(all.find(({ mac }) => mac === a)?.linked_macs).toEqual([b]);
    expect([await links(a), await links(b)]).toEqual([[b], [a]]);

    const again = await agent.reconnect(server, box);
    await again.receive('session.opened');
    expect([await links(a), await links(b)]).toEqual([[b], [a]]);
  });

  it('are linked when the second record is made later, by an operator or by a contact', async () => {
    const [a, b, c] = [newMac(), newMac(), newMac()];
    await FakeAgent.boot(server, a, boxOf([a, b, c]));
    expect((await record(a)).linked_macs).toEqual([]);
    await server.put(`/machines/${b}`, {});
    await script(c);
    expect((await record(a)).linked_macs).toEqual([b, c]);
    expect([await links(a), await links(b), await links(c)]).toEqual(
      [
        [c, b],
        [c, a],
        [b, a],
      ].map((macs) => expect.arrayContaining(macs)),
    );
  });

  it('are not linked without a DMI UUID, nor by a UUID alone that two boards share', async () => {
    const [a, b, c] = [newMac(), newMac(), newMac()];
    await FakeAgent.boot(server, a, boxOf([a, b], null));
    const uuid = randomUUID();
    await FakeAgent.boot(server, b, boxOf([b], uuid));
    await FakeAgent.boot(server, c, boxOf([c], uuid));
    for (const mac of [b, c]) expect((await record(mac)).linked_macs).toEqual([]);
  });

  it('part when a card has moved to another box', async () => {
    const [a, moved, other] = [newMac(), newMac(), newMac()];
    await server.put(`/machines/${moved}`, {});
    await FakeAgent.boot(server, a, boxOf([a, moved]));
    expect((await record(a)).linked_macs).toEqual([moved]);
    await FakeAgent.boot(server, other, boxOf([other, moved]));
    expect((await record(a)).linked_macs).toEqual([]);
    expect((await record(moved)).linked_macs).toEqual([other]);
  });

  it('keep their own policies', async () => {
    const { a, b } = await boxOfTwo({ image: 'debian.img', boot_policy: 'flash' });
    expect(await script(a)).toContain('boot policy flash');
    expect(await script(b)).toContain('boot policy tui');
  });
});

describe('a flash job of a box', () => {
  it('is done by the agent that has booted from another card, from its order to the first boot', async () => {
    const { a, b, box, agent } = await boxOfTwo();
    const made = (await server.post('/flash-jobs', { mac: a })).json;
    const start = await agent.receive('flash.start');
    expect(start.job_id).toBe(made.id);
    const ref = { job_id: start.job_id, epoch: start.epoch };
    await agent.report({ type: 'flash.stage', ...ref, stage: 'writing' });
    agent.send({ type: 'flash.progress', ...ref, stage: 'writing', bytes_done: 7, bytes_per_second: 7 });
    for (let tries = 0; tries < 60 && (await job(server, made.id)).progress === null; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect((await job(server, made.id)).progress).toMatchObject({ bytes_done: 7 });

    agent.cut();
    const back = await agent.reconnect(server, { ...box, current_job: ref });
    await back.receive('session.opened');
    await back.flash(start);
    expect(await job(server, made.id)).toMatchObject({ mac: a, state: 'succeeded', epoch: 1, result: resultOf(start) });
    await back.report({ type: 'agent.rebooting', ...ref });
    for (const mac of [a, b]) expect(await script(mac)).toContain('first boot after a flash');
    expect((await server.post(`/machines/${b}/target`, {})).json.last_target).toMatchObject({ serial: 'DISK-1' });

    await server.post('/flash-jobs', { mac: b, image: 'debian.img' });
    expect(await script(a)).toContain('bty.mode=flash');
  });

  it('sends the box into the live env by whichever card it boots', async () => {
    const { a, b, box, agent } = await boxOfTwo({ image: 'debian.img', boot_policy: 'local' });
    agent.cut();
    await server.put(`/machines/${b}`, { boot_policy: 'local' });
    expect(await script(b)).toContain('boot policy local');
    const { id } = (await server.post('/flash-jobs', { mac: a })).json;
    expect(await script(b)).toContain(`flash job ${id}`);
    const next = await FakeAgent.boot(server, b, box);
    expect((await next.receive('flash.start')).job_id).toBe(id);
  });

  it('keeps another from being made for any card of the box, and is named', async () => {
    const { a, b, agent } = await boxOfTwo();
    const made = (await server.post('/flash-jobs', { mac: a })).json;
    await agent.receive('flash.start');
    const refused = await server.post('/flash-jobs', { mac: b, image: 'debian.img' });
    expect([refused.status, refused.json.code]).toEqual([409, 'JOB_ACTIVE']);
    expect(refused.json.details).toEqual({ job_id: made.id, mac: a });
    expect(refused.json.detail).toContain(`flash job ${made.id} of ${a}, which is the same machine as ${b}, is active`);
    await server.post(`/flash-jobs/${made.id}/cancel`, undefined);
    await agent.receive('flash.cancel');
    expect((await server.post('/flash-jobs', { mac: b, image: 'debian.img' })).status).toBe(201);
  });

  it('is one, also when both records get orders at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { a, b, agent } = await boxOfTwo();
      agent.cut();
      const macs = [a, b, a, b, a, b];
      const answers = await Promise.all(macs.map((mac) => server.post('/flash-jobs', { mac, image: 'debian.img' })));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    }
  });

  it('is done first, where policy flash of the other record would have made another', async () => {
    const { a, b, box, agent } = await boxOfTwo();
    agent.cut();
    await server.put(`/machines/${b}`, { image: 'debian.img', boot_policy: 'flash' });
    const { id } = (await server.post('/flash-jobs', { mac: a })).json;
    const next = await FakeAgent.boot(server, b, box);
    expect((await next.receive('flash.start')).job_id).toBe(id);
    expect((await server.ask(`/flash-jobs?mac=${b}`)).json).toEqual([]);
  });

  it('waits its turn when it was ordered before anybody knew that two records are one box', async () => {
    const [a, b] = [newMac(), newMac()];
    for (const mac of [a, b]) await server.put(`/machines/${mac}`, { image: 'debian.img' });
    const ofA = (await server.post('/flash-jobs', { mac: a })).json;
    const ofB = (await server.post('/flash-jobs', { mac: b })).json;
    const box = boxOf([a, b]);
    const agent = await FakeAgent.boot(server, b, box);
    const start = await agent.receive('flash.start');
    expect(start.job_id).toBe(ofB.id);
    await agent.flash(start);
    await agent.report({ type: 'agent.rebooting', job_id: start.job_id, epoch: start.epoch });
    expect(await script(b)).toContain(`flash job ${ofA.id}`);
    const second = await FakeAgent.boot(server, b, box);
    await second.flash(await second.receive('flash.start'));
    expect((await jobIn(server, ofA.id, 'succeeded')).mac).toBe(a);
  });

  it('is none of a machine that has only seen the same UUID', async () => {
    const uuid = randomUUID();
    const victim = newMac();
    const rogue = newMac();
    await server.put(`/machines/${victim}`, { image: 'debian.img', boot_policy: 'tui' });
    await FakeAgent.boot(server, victim, boxOf([victim], uuid));
    const other = await FakeAgent.boot(server, rogue, boxOf([rogue], uuid));
    const { id } = (await server.post('/flash-jobs', { mac: victim })).json;
    await jobIn(server, id, 'dispatched');
    other.send({ type: 'commit.request', job_id: id, epoch: 1 });
    expect((await other.closed()).code).toBe(CLOSE_CODES.BAD_FRAME);
  });
});

describe('an agent that has booted from one card', () => {
  it('takes over from one that had booted from another card of the box', async () => {
    const [a, b] = [newMac(), newMac()];
    const box = boxOf([a, b]);
    const older = await FakeAgent.boot(server, a, box);
    const newer = await FakeAgent.boot(server, b, box);
    expect(await older.closed()).toMatchObject({ code: CLOSE_CODES.SUPERSEDED });
    expect(newer.isOpen).toBe(true);
    expect([(await record(a)).agent_connected, (await record(b)).agent_connected]).toEqual([false, true]);
  });

  it('tells the disks of the whole box', async () => {
    const { a, b } = await boxOfTwo();
    expect((await record(a)).inventory).toBeNull();
    expect((await server.post(`/machines/${a}/target`, {})).json.target).toMatchObject({ serial: 'DISK-1' });
    await query(server.database, 'DELETE FROM machines WHERE mac = $1', [b]);
    expect((await server.post(`/machines/${a}/target`, {})).status).toBe(409);
  });
});
