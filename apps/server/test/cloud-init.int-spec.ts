import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROTOCOL_LIMITS } from '@bty/wire-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent } from './fake-agent.js';
import { newMachine } from './flash-steps.js';
import { putImage } from './image-steps.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

const SECRET = 'hunter2-in-user-data';
const USER_DATA = `#cloud-config\n# ${SECRET}\nfqdn: {{hostname}}\nssh_authorized_keys: ["{{ssh_public_key}}"]\n`;
const RECORD = { image: 'debian.img', provisioning_mode: 'cloud-init', hostname: 'node-1', user_data: USER_DATA };
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
});

afterAll(() => server.stop());

function fieldsOf(answer: { json: { fields?: { field: string }[] } }): string[] {
  return (answer.json.fields ?? []).map(({ field }) => field);
}

/** The installation's public key, as a seed shows it. */
async function keyOf(id: string): Promise<string> {
  const { user_data } = (await server.ask(`/flash-jobs/${id}/seed`)).json;
  return /"(ssh-ed25519 [^"]+)"/.exec(user_data)?.[1] ?? '';
}

describe('a machine with cloud-init', () => {
  it('keeps its texts as they were given, and shows them only where it alone is asked for', async () => {
    const texts = { meta_data: 'a: 1\n', network_config: 'version: 2\n', vendor_data: '#!/bin/sh\n' };
    const mac = await newMachine(server, { ...RECORD, ...texts });
    expect((await server.ask(`/machines/${mac}`)).json).toMatchObject({ ...RECORD, ...texts });
    expect((await server.ask('/machines')).text).not.toContain(SECRET);
    expect((await server.ask(`/machines/${mac}`, { anonymous: true })).status).toBe(401);
    await server.put(`/machines/${mac}`, { image: 'debian.img' });
    expect((await server.ask(`/machines/${mac}`)).json).toMatchObject({ user_data: null, vendor_data: null });
  });

  it.each([
    [{ ...RECORD, user_data: null }, 'user_data'],
    [{ ...RECORD, hostname: null }, 'user_data'],
    [{ ...RECORD, user_data: '#cloud-config\na: {{hostnme}}\n' }, 'user_data'],
    [{ ...RECORD, vendor_data: 'neither this nor that' }, 'vendor_data'],
    [{ ...RECORD, meta_data: 'instance-id: mine' }, 'meta_data'],
  ])('is refused as %j, naming %s', async (record, field) => {
    const answer = await server.put('/machines/52:54:00:00:00:77', record);
    expect([answer.status, fieldsOf(answer)]).toEqual([422, [field]]);
  });

  it('leaves no secret in its events, but says that it changed', async () => {
    const mac = await newMachine(server, RECORD);
    await server.put(`/machines/${mac}`, { ...RECORD, user_data: USER_DATA.replace('hunter2', 'hunter3') });
    await server.ask(`/machines/${mac}`, { method: 'DELETE' });
    const events = await server.ask(`/events?subject=machine/${mac}`);
    const size = `${USER_DATA.length} bytes`;
    expect(events.json).toMatchObject([
      { action: 'machine.removed', before: { userData: size, hostname: 'node-1' } },
      { action: 'machine.changed', before: { userData: size }, after: { userData: `${size}, changed` } },
      { action: 'machine.created', after: { userData: size, vendorData: null } },
    ]);
    const rows = await query(server.database, "SELECT 1 FROM events WHERE events::text LIKE '%in-user-data%'");
    expect(rows).toEqual([]);
  });
});

describe('a flash job with cloud-init', () => {
  it('takes the texts of the record, each of its own instead, and shows what becomes of them', async () => {
    const mac = await newMachine(server, { ...RECORD, vendor_data: '#!/bin/sh\n# {{image}} {{mac}}\n' });
    const made = await server.post('/flash-jobs', { mac, user_data: '#!/bin/sh\nhostname {{hostname}}\n' });
    expect([made.status, made.json.provisioning_mode]).toEqual([201, 'cloud-init']);
    expect(made.text).not.toContain('#!/bin/sh');
    expect((await server.ask(`/flash-jobs/${made.json.id}/seed`)).json).toEqual({
      instance_id: `bty-${made.json.id}-1`,
      meta_data: `instance-id: bty-${made.json.id}-1\nlocal-hostname: node-1\n`,
      user_data: '#!/bin/sh\nhostname node-1\n',
      vendor_data: `#!/bin/sh\n# debian.img ${mac}\n`,
    });
    expect((await server.ask(`/flash-jobs/${made.json.id}/seed`, { anonymous: true })).status).toBe(401);
  });

  it('may have another mode than the record', async () => {
    const mac = await newMachine(server, { image: 'debian.img' });
    const order = { mac, provisioning_mode: 'cloud-init', user_data: '#!/bin/sh\n' };
    expect((await server.post('/flash-jobs', order)).json.provisioning_mode).toBe('cloud-init');
    const other = await newMachine(server, RECORD);
    const plain = await server.post('/flash-jobs', { mac: other, provisioning_mode: 'none' });
    expect(plain.json.provisioning_mode).toBe('none');
    expect((await server.ask(`/flash-jobs/${plain.json.id}/seed`)).status).toBe(404);
  });

  it.each([
    [{ provisioning_mode: 'cloud-init' }, 'user_data'],
    [{ provisioning_mode: 'cijoe' }, 'cijoe_workflow_ref'],
    [{ user_data: '#!/bin/sh\n' }, 'user_data'],
    [{ provisioning_mode: 'cloud-init', user_data: '#!/bin/sh\n# {{hostname}}\n' }, 'user_data'],
    [{ provisioning_mode: 'cloud-init', user_data: 'x' }, 'user_data'],
    [{ provisioning_mode: 'cloud-init', user_data: '#!/bin/sh\n', network_config: 'x' }, 'network_config'],
  ])('is refused as %j, naming %s, and is not made', async (order, field) => {
    const mac = await newMachine(server, { image: 'debian.img' });
    const answer = await server.post('/flash-jobs', { mac, ...order });
    expect([answer.status, fieldsOf(answer)]).toEqual([422, [field]]);
    expect((await server.ask(`/flash-jobs?mac=${mac}`)).json).toEqual([]);
  });

  it('is another order under the same key when a text differs', async () => {
    const mac = await newMachine(server, RECORD);
    const key = { 'Idempotency-Key': 'seeded' };
    const order = { mac, user_data: '#!/bin/sh\n' };
    expect((await server.post('/flash-jobs', order, key)).status).toBe(201);
    expect((await server.post('/flash-jobs', order, key)).status).toBe(200);
    expect((await server.post('/flash-jobs', { mac, user_data: '#!/bin/bash\n' }, key)).status).toBe(422);
  });

  it('hands the files to the agent, as a new instance each time it is handed out', async () => {
    const mac = await newMachine(server, RECORD);
    const { id } = (await server.post('/flash-jobs', { mac })).json;
    await server.put(`/machines/${mac}`, { image: 'debian.img', hostname: 'renamed' });
    const agent = await FakeAgent.boot(server, mac);
    const first = await agent.receive('flash.start');
    expect(first).toMatchObject({ provisioning_mode: 'cloud-init', seed: { instance_id: `bty-${id}-1` } });
    expect(first.seed).toEqual((await server.ask(`/flash-jobs/${id}/seed`)).json);
    expect(first.seed?.user_data).toBe(
      USER_DATA.replace('{{hostname}}', 'node-1').replace('{{ssh_public_key}}', await keyOf(id)),
    );
    expect(first.seed?.vendor_data).toContain(`\n  url: "${server.url}/pxe/${mac}/booted"\n`);
    agent.cut();
    const again = await agent.reconnect(server);
    const second = await again.receive('flash.start');
    expect(second.seed).toMatchObject({ instance_id: `bty-${id}-2`, user_data: first.seed?.user_data });
    again.cut();
  });

  it('hands out the largest texts there may be', async () => {
    const user_data = `#!${'"'.repeat(64 * 1024 - 2)}`;
    const vendor_data = `#!${'\\'.repeat(16 * 1024 - 2)}`;
    const network_config = `version: 2\n#${'"'.repeat(16 * 1024 - 12)}`;
    const meta_data = `#${'"'.repeat(16 * 1024 - 1)}`;
    const texts = { user_data, vendor_data, network_config, meta_data };
    const mac = await newMachine(server, { ...RECORD, ...texts });
    await server.post('/flash-jobs', { mac });
    const agent = await FakeAgent.boot(server, mac);
    const start = await agent.receive('flash.start');
    expect(start.seed).toMatchObject({ user_data, network_config });
    expect(start.seed?.vendor_data?.length).toBeGreaterThan(vendor_data.length);
    expect(Buffer.byteLength(JSON.stringify(start))).toBeLessThan(PROTOCOL_LIMITS.maxServerFrameBytes);
    agent.cut();
  });

  it('is made by the boot policy as well', async () => {
    const mac = await newMachine(server, { ...RECORD, boot_policy: 'flash' });
    const agent = await FakeAgent.boot(server, mac);
    expect((await agent.receive('flash.start')).seed?.user_data).toContain('fqdn: node-1\n');
    agent.cut();
  });

  it('has failed when the record that a boot policy flashes can no longer be carried out', async () => {
    const mac = await newMachine(server, { ...RECORD, boot_policy: 'flash' });
    await query(server.database, `UPDATE machines SET user_data = NULL WHERE mac = '${mac}'`);
    const agent = await FakeAgent.boot(server, mac);
    await expect
      .poll(async () => (await server.ask(`/flash-jobs?mac=${mac}`)).json)
      .toMatchObject([
        { state: 'failed', error: { code: 'INVALID_REQUEST', message: expect.stringContaining('user_data') } },
      ]);
    agent.cut();
  });
});

describe('the installation’s key', () => {
  it('is the same for every job, survives a restart, and is one that ssh-keygen reads', async () => {
    const mac = await newMachine(server, RECORD);
    const { id } = (await server.post('/flash-jobs', { mac })).json;
    const publicKey = await keyOf(id);
    expect(publicKey).toMatch(/^ssh-ed25519 \S+ bty$/);
    server = await server.restart();
    expect(await keyOf(id)).toBe(publicKey);
    const [row] = await query<{ private_key: string }>(server.database, 'SELECT private_key FROM installation_keys');
    const folder = mkdtempSync(join(tmpdir(), 'bty-key-'));
    try {
      const file = join(folder, 'key');
      writeFileSync(file, row?.private_key ?? '', { mode: 0o600 });
      expect(execFileSync('ssh-keygen', ['-y', '-f', file]).toString().trim()).toBe(publicKey);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is one, however many ask for it first', async () => {
    const other = await TestServer.start();
    try {
      await putImage(other, 'debian.img', Buffer.alloc(512, 1));
      const macs = Array.from({ length: 8 }, (_, index) => `52:54:00:cc:00:0${index}`);
      const answers = await Promise.all(macs.map((mac) => other.put(`/machines/${mac}`, RECORD)));
      expect(answers.map(({ status }) => status)).toEqual(macs.map(() => 201));
      expect(await query(other.database, 'SELECT 1 FROM installation_keys')).toHaveLength(1);
      const events = (await other.ask('/events?subject=key/ssh')).json as object[];
      expect(events).toEqual([expect.objectContaining({ action: 'key.created', actor: 'server' })]);
      expect(JSON.stringify(events)).not.toContain('PRIVATE');
    } finally {
      await other.stop();
    }
  });
});
