import { existsSync } from 'node:fs';
import { chown, copyFile, mkdir, mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxPlan } from './bwrap-command.js';
import { seccompFilter } from './seccomp-filter.js';

const NAME = /^bty-sandbox-(\d+)-/;
// systemd's range for accounts that exist while a service runs.
const FIRST_ACCOUNT = 61_184;
const ACCOUNTS = 4_000;

const ETC: Readonly<Record<string, string>> = {
  passwd: 'bty:x:1000:1000::/job/home:/bin/sh\n',
  group: 'bty:x:1000:\n',
  hosts: '127.0.0.1 localhost bty\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
};

let nextAccount = 0;

/** As root, an account that nobody else has, another one for every sandbox. */
function freshAccount(): number | undefined {
  if (process.getuid?.() !== 0) return undefined;
  nextAccount = (nextAccount + 1) % ACCOUNTS;
  return FIRST_ACCOUNT + nextAccount;
}

async function topLinks(): Promise<Record<string, string | undefined>> {
  const names = (await readdir('/')).filter((name) => /^(bin|sbin|lib\w*)$/.test(name));
  // A host whose /bin is a directory of its own has no link to read there.
  const targets = await Promise.all(names.map((name) => readlink(`/${name}`).catch(() => undefined)));
  return Object.fromEntries(names.map((name, index) => [name, targets[index]?.replace(/^\//, '')]));
}

async function fillFolder(folder: string, account: number | undefined): Promise<void> {
  for (const name of ['etc', 'relay', 'cijoe']) await mkdir(join(folder, name));
  for (const [name, text] of Object.entries(ETC)) await writeFile(join(folder, 'etc', name), text);
  await copyFile(join(import.meta.dirname, 'supervisor.py'), join(folder, 'supervisor.py'));
  await writeFile(join(folder, 'seccomp'), seccompFilter(arch()));
  if (account === undefined) return;
  for (const path of [folder, join(folder, 'relay')]) await chown(path, account, account);
}

/** Prepares a folder for one sandbox, where the account that it runs as can reach it. Remove it afterwards. */
export async function makeSandboxFolder(
  cijoeDir: string,
): Promise<SandboxPlan & { relaySocket: string; filter: string }> {
  const folder = await mkdtemp(join(tmpdir(), `bty-sandbox-${process.pid}-`));
  const account = freshAccount();
  try {
    await fillFolder(folder, account);
  } catch (error) {
    await removeSandboxFolder(folder);
    throw error;
  }
  const [relaySocket, filter] = [join(folder, 'relay', 'relay'), join(folder, 'seccomp')];
  return { folder, cijoeDir, links: await topLinks(), account, relaySocket, filter };
}

/** Removes a sandbox's folder. */
export async function removeSandboxFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** Removes the folders that killed workers left behind: no sandbox outlives its worker. */
export async function removeStaleFolders(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => NAME.test(name));
  const stale = names.filter((name) => !isRunning(Number(NAME.exec(name)?.[1])));
  await Promise.all(stale.map((name) => removeSandboxFolder(join(tmpdir(), name))));
}
