import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAgent, kernelArgument } from './fake-agent.js';
import { putImage } from './image-steps.js';
import { rawHttp } from './raw-http.js';
import { query } from './test-database.js';
import { TestServer } from './test-server.js';

let server: TestServer;

async function script(mac: string): Promise<string> {
  const answer = await server.ask(`/pxe/${mac}`, { anonymous: true });
  expect(answer.status).toBe(200);
  return answer.text;
}

beforeAll(async () => {
  server = await TestServer.start({ BTY_KERNEL_ARGS: 'pci=nomsi' });
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
});

afterAll(() => server.stop());

describe('GET /pxe-bootstrap.ipxe', () => {
  it('goes on to the script of the booting card', async () => {
    const answer = await server.ask('/pxe-bootstrap.ipxe', { anonymous: true });
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.text).toContain(`chain --replace ${server.url}/pxe/\u0024{mac:hexhyp} ||\n`);
    const head = await server.ask('/pxe-bootstrap.ipxe', { anonymous: true, method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(answer.text.length));
  });
});

describe('GET /pxe/{mac}', () => {
  it('discovers an unknown machine and gives it the interactive live env', async () => {
    const text = await script('52-54-00-00-00-AA');
    expect(text).toContain('bty.mode=tui');
    expect(text).toContain(`kernel ${server.url}/boot/vmlinuz initrd=base `);
    expect(text).toContain(' pci=nomsi bty.server=');
    expect(kernelArgument(text, 'mac')).toBe('52:54:00:00:00:aa');
    expect(kernelArgument(text, 'token')).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const { json } = await server.ask('/machines/52:54:00:00:00:aa');
    expect(json).toMatchObject({ boot_policy: 'tui', last_seen_ip: '127.0.0.1' });
    expect(json.discovered_at).toBe(json.last_seen_at);
    const events = (await server.ask('/events?subject=machine/52:54:00:00:00:aa')).json;
    expect(events).toMatchObject([{ action: 'machine.discovered', actor: 'pxe:52:54:00:00:00:aa', ip: '127.0.0.1' }]);
  });

  it('makes one record of twenty first contacts at once', async () => {
    const contacts = Array.from({ length: 20 }, () => script('52:54:00:00:00:bb'));
    await Promise.all(contacts);
    const events = (await server.ask('/events?subject=machine/52:54:00:00:00:bb')).json;
    expect(events).toHaveLength(1);
  });

  it('has a UEFI client with another iPXE load the one of the boot directory before the local disk', async () => {
    const mac = '52:54:00:00:00:cd';
    await server.put(`/machines/${mac}`, { boot_policy: 'local' });
    expect(await script(mac)).not.toContain('chain');
    const sbat =
      'sbat,1,SBAT Version,sbat,1,https://example.org\nipxe,1,iPXE,snponly.efi,1.21.1+git,https://ipxe.org\n';
    writeFileSync(join(server.config.bootDir, 'snponly.efi'), `MZ\0${sbat}`);
    expect(await script(mac)).toContain(
      `iseq \u0024{version} 1.21.1+git && goto disk ||\necho bty: loading an iPXE that can boot a disk under UEFI\nchain ${server.url}/boot/snponly.efi ||\n`,
    );
    const head = await server.ask(`/pxe/${mac}`, { anonymous: true, method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String((await script(mac)).length));
    rmSync(join(server.config.bootDir, 'snponly.efi'));
  });

  it('answers by the policy, and makes no job', async () => {
    const mac = '52:54:00:00:00:cc';
    await server.put(`/machines/${mac}`, { boot_policy: 'local' });
    expect(await script(mac)).toContain('sanboot --no-describe --drive 0x80 || sanboot');
    await server.put(`/machines/${mac}`, { boot_policy: 'flash', image: 'debian.img' });
    expect(await script(mac)).toContain('bty.mode=flash');
    expect((await server.ask(`/flash-jobs?mac=${mac}`)).json).toEqual([]);
    const record = (await server.ask(`/machines/${mac}`)).json;
    expect(record.discovered_at).not.toBeNull();
  });

  it('goes into the live env for a queued job, whatever the policy says, again and again', async () => {
    const mac = '52:54:00:00:00:dd';
    await server.put(`/machines/${mac}`, { boot_policy: 'local', image: 'debian.img' });
    const job = (await server.post('/flash-jobs', { mac })).json;
    for (let contact = 0; contact < 3; contact += 1) {
      const text = await script(mac);
      expect(text).toContain(`flash job ${job.id} is queued`);
      expect(text).toContain('bty.mode=flash');
    }
    await server.post(`/flash-jobs/${job.id}/cancel`, undefined);
    expect(await script(mac)).toContain('local disk');
  });

  it.each(['zz', '52:54:00:00:00', '52:54:00:00:00:01%0aexit', 'ff-ff-ff-ff-ff-ff'])(
    'answers 400 for %s and makes no record',
    async (mac) => {
      const before = (await server.ask('/machines')).json.length;
      expect((await server.ask(`/pxe/${mac}`, { anonymous: true })).status).toBe(400);
      expect((await server.ask('/machines')).json).toHaveLength(before);
    },
  );

  it('keeps the four newest unused tokens of a machine', async () => {
    const mac = '52:54:00:00:00:ee';
    const tokens: string[] = [];
    for (let contact = 0; contact < 6; contact += 1) tokens.push(kernelArgument(await script(mac), 'token'));
    const [oldest = '', , third = ''] = tokens;
    const refused = await FakeAgent.connect(server, mac);
    refused.hello({ boot_token: oldest });
    expect(await refused.closed()).toMatchObject({ code: 4401 });
    const taken = await FakeAgent.connect(server, mac);
    taken.hello({ boot_token: third });
    await taken.receive('session.opened');
    for (const token of tokens.slice(3)) {
      const late = await FakeAgent.connect(server, mac);
      late.hello({ boot_token: token });
      expect(await late.closed()).toMatchObject({ code: 4401 });
    }
    taken.cut();
  });

  it('keeps nothing of a token but its hash', async () => {
    const token = kernelArgument(await script('52:54:00:00:00:ef'), 'token');
    const rows = await query<{ row: string }>(server.database, 'SELECT boot_tokens::text AS row FROM boot_tokens');
    expect(rows.length).toBeGreaterThan(0);
    for (const { row } of rows) expect(row).not.toContain(token);
  });
});

describe('HEAD /pxe/{mac}', () => {
  it('tells the length, records nothing and makes no token', async () => {
    const mac = '52:54:00:00:01:aa';
    const head = await server.ask(`/pxe/${mac}`, { anonymous: true, method: 'HEAD' });
    expect(head.status).toBe(200);
    expect((await server.ask(`/machines/${mac}`)).status).toBe(404);
    expect(await query(server.database, 'SELECT 1 FROM boot_tokens WHERE mac = $1', [mac])).toEqual([]);
    expect(head.headers.get('content-length')).toBe(String((await script(mac)).length));
  });
});

describe('the address in a script', () => {
  async function addressFor(hostLine: string, version = '1.1'): Promise<string> {
    const answer = await rawHttp(
      server.port,
      `GET /pxe-bootstrap.ipxe HTTP/${version}\r\n${hostLine}Connection: close\r\n\r\n`,
    );
    return /chain --replace (\S+)\/pxe\//.exec(answer)?.[1] ?? answer.split('\r\n')[0] ?? '';
  }

  it('is the one that the machine asked', async () => {
    expect(await addressFor('Host: bty.lab:8080\r\n')).toBe('http://bty.lab:8080');
  });

  it.each([
    '',
    'Host:\r\n',
    'Host: a b\r\n',
    'Host: x/../y\r\n',
    'Host: \u0024{cmdline}\r\n',
    'Host: a||shell\r\n',
    'Host: None, None\r\n',
  ])('is that of the connection when the request has %j', async (hostLine) => {
    expect(await addressFor(hostLine, '1.0')).toBe(server.url);
  });

  it('is never made for a request of HTTP/1.1 without a host', async () => {
    expect(await addressFor('')).toContain('400 Bad Request');
  });
});

describe('POST /pxe/{mac}/done', () => {
  it('sets when the machine was flashed, never its policy, as often as it comes', async () => {
    const mac = '52:54:00:00:02:aa';
    await server.put(`/machines/${mac}`, { boot_policy: 'flash', image: 'debian.img' });
    const first = await server.ask(`/pxe/${mac}/done`, { anonymous: true, method: 'POST' });
    expect(first.status).toBe(200);
    await sleep(5);
    const second = await server.ask('/pxe/52-54-00-00-02-AA/done', { anonymous: true, method: 'POST' });
    const record = (await server.ask(`/machines/${mac}`)).json;
    expect(record).toMatchObject({ boot_policy: 'flash', last_flashed_at: second.json.last_flashed_at });
    expect(second.json.last_flashed_at > first.json.last_flashed_at).toBe(true);
    expect(await script(mac)).toContain('bty.mode=flash');
  });

  it('sends the boot after it to the disk when a person has flashed at the console', async () => {
    const mac = '52:54:00:00:02:ab';
    expect(await script(mac)).toContain('bty.mode=tui');
    await server.ask(`/pxe/${mac}/done`, { anonymous: true, method: 'POST' });
    expect(await script(mac)).toContain('sanboot');
    expect((await server.ask(`/machines/${mac}`)).json).toMatchObject({ boot_policy: 'tui' });
  });

  it('answers 404 for a machine without a record, and 400 for no MAC address', async () => {
    const unknown = await server.ask('/pxe/52:54:00:00:02:bb/done', { anonymous: true, method: 'POST' });
    expect(unknown.status).toBe(404);
    expect((await server.ask('/pxe/zz/done', { anonymous: true, method: 'POST' })).status).toBe(400);
  });
});

describe('GET /boot/{name}', () => {
  it('gives files of the live env, whole or in part', async () => {
    const whole = await server.ask('/boot/vmlinuz', { anonymous: true });
    expect([whole.status, whole.text, whole.headers.get('accept-ranges')]).toEqual([200, 'kernel', 'bytes']);
    const part = await server.ask('/boot/vmlinuz', { anonymous: true, headers: { Range: 'bytes=1-2' } });
    expect([part.status, part.text, part.headers.get('content-range')]).toEqual([206, 'er', 'bytes 1-2/6']);
    const head = await server.ask('/boot/base.initrd', { anonymous: true, method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), head.text]).toEqual([200, '6', '']);
    const etag = whole.headers.get('etag') ?? '';
    const same = await server.ask('/boot/vmlinuz', { anonymous: true, headers: { 'If-None-Match': etag } });
    expect(same.status).toBe(304);
  });

  it.each(['nothing', '.hidden', '..%2fadmin-token', '%2e%2e', '..%5cx', 'a%00b', '%ff'])(
    'gives nothing for %s',
    async (name) => {
      const { status } = await server.ask(`/boot/${name}`, { anonymous: true });
      expect(name === '%ff' ? [404, 422] : [404, 401]).toContain(status);
    },
  );
});
