/** Images that a real server shows only to who proves himself: to the command, to the terminal UI, to a machine's console. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expected } from '@bty/image-format';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BUNDLE } from '../../apps/agent/test/built-agent.ts';
import { LoopDisk } from '../../apps/agent/test/loop-disk.ts';
import { bty, documentOf } from '../../apps/agent/test/run-bty.ts';
import { shellLine, TmuxTerminal } from '../../apps/agent/test/tmux-terminal.ts';
import { toConfirmation } from '../../apps/agent/test/tui-steps.ts';
import { newToken } from '../../apps/server/test/account-steps.ts';
import { kernelArgument } from '../../apps/server/test/fake-agent.ts';
import { newMachine } from '../../apps/server/test/flash-steps.ts';
import { putImage } from '../../apps/server/test/image-steps.ts';
import { TestServer } from '../../apps/server/test/test-server.ts';
import { buildGptImage } from '../../libs/image-format/src/gpt-image.builder.ts';

const MIB = 1024 * 1024;
const MAC = '52:54:00:00:00:01';
const PASSWORD = 'correct horse battery staple';
const image = buildGptImage({ sizeBytes: 16 * MIB, fill: (bytes) => void randomBytes(bytes.length).copy(bytes) });

let server: TestServer;
let token: string;
let url: string;
let home: string;
let disk: LoopDisk;
let terminal: TmuxTerminal | undefined;

beforeAll(async () => {
  server = await TestServer.start({ BTY_IMAGE_READ: 'token' });
  await putImage(server, 'debian.img', image);
  token = await newToken(server, { name: 'look', role: 'viewer' });
  expect((await server.post('/users', { username: 'anna', password: PASSWORD, role: 'viewer' })).status).toBe(201);
  url = `${server.url}/images/debian.img`;
});

afterAll(() => server.stop());

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'bty-closed-'));
  disk = new LoopDisk(Buffer.alloc(20 * MIB, 0xd1));
});

afterEach(() => {
  terminal?.close();
  terminal = undefined;
  disk.remove();
  rmSync(home, { recursive: true });
});

const run = (args: readonly string[], env: Record<string, string> = {}) => bty(args, { HOME: home, ...env });

/** Logs in as a person does who keeps the login. */
async function logIn(): Promise<void> {
  const login = shellLine([process.execPath, BUNDLE, 'login', '--server', server.url, '--user', 'anna']);
  const env = { HOME: home };
  const ended = await bty(['-c', `echo '${PASSWORD}' | ${login}`], env, ['/bin/sh']);
  expect(ended).toMatchObject({ code: 0 });
}

const diskIsRight = (): boolean => disk.content().equals(expected(image, disk.before));

describe('the command', () => {
  it('says how to log in when it has no credential, and writes nothing', async () => {
    const told = `Log in: bty login --server ${server.url} --user NAME; or set BTY_SERVER and BTY_API_TOKEN.`;
    const flash = await run(['flash', '--image', url, '--target', disk.path, '--yes', '--json']);
    expect([flash.code, documentOf(flash)]).toMatchObject([1, { error: { code: 'UNAUTHENTICATED' } }]);
    expect(flash.stderr).toContain(`${server.url} shows images only to who proves himself (401). ${told}`);
    const wrong = await run(['inspect', 'image', url], { BTY_SERVER: server.url, BTY_API_TOKEN: 'wrong' });
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining(`was shown (401). ${told}`) });
    const sudo = await run(['verify', '--image', url, '--target', disk.path], { SUDO_USER: 'anna' });
    expect(sudo).toMatchObject({ code: 1, stderr: expect.stringContaining('Log in: sudo bty login --server') });
    expect(disk.content().equals(disk.before)).toBe(true);
  });

  it('reads, flashes and compares with the login that was kept', async () => {
    await logIn();
    const looked = await run(['inspect', 'image', url, '--json']);
    expect([looked.code, documentOf(looked)]).toMatchObject([0, { image: { name: 'debian.img', mapped: true } }]);
    const flash = await run(['flash', '--image', url, '--target', disk.path, '--yes']);
    expect(flash).toMatchObject({ code: 0 });
    expect(diskIsRight()).toBe(true);
    expect((await run(['verify', '--image', url, '--target', disk.path])).code).toBe(0);
  });

  describe('with another server', () => {
    let other: Server;
    let otherUrl: string;
    const shown: unknown[] = [];

    beforeEach(async () => {
      shown.length = 0;
      other = createServer((request, response) => {
        shown.push(request.headers.authorization);
        response.writeHead(302, { location: url }).end();
      });
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      otherUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    });

    afterEach(() => new Promise((resolve) => other.close(resolve)));

    it('shows the credential to its own server alone, also behind a redirect', async () => {
      const env = { BTY_SERVER: server.url, BTY_API_TOKEN: token };
      expect(await run(['inspect', 'image', `${otherUrl}/debian.img`], env)).toMatchObject({ code: 0 });
      expect(shown).toEqual([undefined]);
    });
  });
});

describe('the terminal UI', () => {
  function open(env: Record<string, string>): TmuxTerminal {
    const words = [process.execPath, BUNDLE, 'tui', '--disk', disk.path, '--server', server.url, '--mac', MAC];
    const settings = Object.entries({ HOME: home, ...env }).map(([name, value]) => `${name}=${value}`);
    terminal = new TmuxTerminal(shellLine(['env', ...settings, ...words]));
    return terminal;
  }

  it('says in full how to log in', async () => {
    const screen = await open({}).shows('Press r to try again.');
    expect(screen.replaceAll('\n', ' ')).toContain(
      `FAILED: ${server.url} shows images only to who proves himself (401). Log in: bty login --server ${server.url} --user NAME; or set BTY_SERVER and BTY_API_TOKEN. Press r`,
    );
  });

  it('lists and flashes with an API token', async () => {
    const at = open({ BTY_API_TOKEN: token });
    await toConfirmation(at, 'debian.img');
    at.type(basename(disk.path));
    at.press('Enter');
    await at.shows('Enter flash another');
    expect(diskIsRight()).toBe(true);
  });

  it("lists and flashes on a machine's console with the session of its agent", async () => {
    const mac = await newMachine(server, { boot_policy: 'tui' });
    const script = (await server.ask(`/pxe/${mac}`, { anonymous: true })).text;
    const agent = ['agent', '--server', server.url, '--mac', mac, '--mode', 'tui', '--state-dir', join(home, 'state')];
    const boot = ['--token', kernelArgument(script, 'token'), '--disk', disk.path];
    const line = shellLine([process.execPath, BUNDLE, ...agent, ...boot]);
    terminal = new TmuxTerminal(`BTY_CONSOLES=$(tty) ${line} 2>${home}/log`);
    await toConfirmation(terminal, 'debian.img');
    terminal.type(basename(disk.path));
    terminal.press('Enter');
    await terminal.shows('The server was told.');
    expect(diskIsRight()).toBe(true);
  });
});
