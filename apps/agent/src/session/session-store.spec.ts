import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSessionFile } from './session-store.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bty-session-'));
});
afterEach(() => rm(folder, { recursive: true }));

const open = () => openSessionFile(folder, () => undefined);

describe('the session file', () => {
  it('keeps session, nonce and outbox over a restart, readable by its owner only', async () => {
    const before = open();
    before.update({ session: 's'.repeat(43), outbox: { nextSeq: 7, unacknowledged: [] } });
    expect(open().state).toEqual(before.state);
    expect((await stat(join(folder, 'session'))).mode & 0o777).toBe(0o600);
  });

  it('has a nonce from the first start on', () => {
    expect(open().state.nonce).toMatch(/^[A-Za-z0-9_-]{20,128}$/);
    expect(open().state.nonce).toBe(open().state.nonce);
  });

  it('forgets the session alone', async () => {
    const store = open();
    store.update({ session: 's'.repeat(43) });
    store.forgetSession();
    expect(store.state).not.toHaveProperty('session');
    expect(await readFile(join(folder, 'session'), 'utf8')).toContain(store.state.nonce);
  });

  it('that is torn is begun anew', async () => {
    await writeFile(join(folder, 'session'), '{"nonce":"abc');
    expect(open().state.outbox).toEqual({ nextSeq: 1, unacknowledged: [] });
  });

  it('that cannot be written is a problem to show, not the end of a flash', async () => {
    const problems: string[] = [];
    const store = openSessionFile(folder, (problem) => void problems.push(problem));
    await rm(folder, { recursive: true });
    store.update({ session: 's'.repeat(43) });
    expect(store.state.session).toBe('s'.repeat(43));
    expect(problems[0]).toContain('cannot be kept');
    folder = await mkdtemp(join(tmpdir(), 'bty-session-'));
  });
});
