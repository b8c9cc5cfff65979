import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expected } from '@bty/image-format';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGptImage } from '../../../libs/image-format/src/gpt-image.builder.js';
import { FakeAgentServer } from './agent-server.fake.js';
import { BUNDLE } from './built-agent.js';
import { LoopDisk } from './loop-disk.js';
import { shellLine, TmuxTerminal } from './tmux-terminal.js';
import { toConfirmation } from './tui-steps.js';

const MIB = 1024 * 1024;
const image = buildGptImage({ sizeBytes: 16 * MIB, fill: (bytes) => void randomBytes(bytes.length).copy(bytes) });

let folder: string;
let disk: LoopDisk;
let server: FakeAgentServer;
let terminal: TmuxTerminal;

/** The agent as the live env runs it with policy `tui`: a terminal is its console, and its log goes elsewhere. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bty-console-'));
  disk = new LoopDisk(Buffer.alloc(20 * MIB, 0xd1));
  server = new FakeAgentServer(image);
  const url = await server.listen();
  const words = ['agent', '--server', url, '--mac', '52:54:00:00:00:01', '--mode', 'tui', '--token', 't'.repeat(43)];
  const line = shellLine([process.execPath, BUNDLE, ...words, '--state-dir', folder, '--disk', disk.path]);
  terminal = new TmuxTerminal(`BTY_CONSOLES=$(tty) ${line} 2>${folder}/log`);
});

afterEach(async () => {
  terminal.close();
  await server.close();
  disk.remove();
  rmSync(folder, { recursive: true });
});

const diskIsRight = (): boolean => disk.content().equals(expected(image, disk.before));

/** Has the person flash the one image to the one disk, as far as the last Enter. */
async function flashByHand(): Promise<void> {
  await toConfirmation(terminal, 'test.img');
  terminal.type(basename(disk.path));
  terminal.press('Enter');
}

describe('the console of a live env with policy tui', () => {
  it("lets a person flash an image of the server's, and tells the server", async () => {
    await terminal.shows(/^Server http:\/\/127\.0\.0\.1:\d+ {3}52:54:00:00:00:01 \(connected\)$/m);
    await flashByHand();
    expect(await terminal.shows('bty 0.1.0   Done')).toContain('The server was told.');
    expect(server.requests).toContain('POST /pxe/52-54-00-00-00-01/done');
    expect(diskIsRight()).toBe(true);
    // there is no shell to go back to
    terminal.press('Enter');
    await terminal.shows('> test.img');
    terminal.press('q', 'C-c', 'Enter');
    expect(await terminal.shows('> /dev/loop')).not.toContain('q quit');
  });

  it('takes a job of the server, and shows it', async () => {
    await terminal.shows('> test.img');
    server.pack.bytesPerSecond = 12 * MIB;
    server.send(server.newOrder());
    await terminal.shows('The server has handed over a flash job. It needs nobody here.');
    await terminal.shows(`test.img to ${disk.path}`);
    await terminal.shows('ended with 0');
    expect(server.of('flash.finished')).toMatchObject([{ outcome: 'succeeded' }]);
    expect(diskIsRight()).toBe(true);
  });

  it('does a job that comes in mid-flash after it, and lets the server see why it waits', async () => {
    server.pack.bytesPerSecond = 8 * MIB;
    await flashByHand();
    await terminal.shows(/> writing .*%/);
    const order = server.newOrder();
    server.send(order);
    await terminal.shows('The server has a flash job for this machine; it begins when this is done.');
    await terminal.shows('ended with 0');
    const { job_id } = order;
    const waiting = server.of('flash.progress').filter(({ stage }) => stage === 'preparing');
    expect(waiting[0]).toMatchObject({ job_id, bytes_total: expect.any(Number) });
    expect(server.of('flash.finished')).toMatchObject([{ job_id, outcome: 'succeeded', result: { bytes_written: 0 } }]);
    expect(diskIsRight()).toBe(true);
  });

  it('keeps its log off the screen', async () => {
    await terminal.shows('> test.img');
    expect(readFileSync(join(folder, 'log'), 'utf8')).toContain('bty agent');
    expect(terminal.screen()).not.toContain('bty agent');
  });
});
