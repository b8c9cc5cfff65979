import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArchiveFile } from '@bty/archive';
import { BtyError } from '@bty/wire-types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { provisionByWorkflow } from '../src/provision/cijoe/workflow-provisioner.js';
import { runCommand } from '../src/run-command.js';
import { leftOf, type Place, plant, SYSTEM, SystemDisk, type Tree } from './system-disk.js';
import { place } from './workflow-steps.js';

const ROOT: Place = { startMiB: 9, sizeMiB: 54 };
const FIRST: Place = { startMiB: 1, sizeMiB: 8 };
const GPT = 'label: gpt\nstart=1MiB, size=8MiB\nstart=9MiB, size=54MiB\n';
const never = new AbortController().signal;

const disks: SystemDisk[] = [];
let workDir: string;
let flows: string;

beforeEach(() => {
  workDir = mkdtempSync(join(tmpdir(), 'bty-work-'));
  flows = mkdtempSync(join(tmpdir(), 'bty-flows-'));
});

afterEach(async () => {
  for (const disk of disks.splice(0)) {
    const left = leftOf(disk, workDir);
    await disk.remove();
    expect(left).toEqual([]);
  }
  expect(readdirSync(workDir)).toEqual([]);
  for (const folder of [workDir, flows]) rmSync(folder, { recursive: true });
});

function newDisk(sizeMiB: number, table: string): SystemDisk {
  const disk = new SystemDisk(sizeMiB, table);
  disks.push(disk);
  return disk;
}

function ext4Disk(tree: Tree = {}): SystemDisk {
  const disk = newDisk(64, GPT);
  disk.format(ROOT, 'mke2fs', '-q', '-t', 'ext4', '-L', 'root');
  disk.inside(ROOT, '', (folder) => plant(folder, { ...SYSTEM, 'etc/motd': 'welcome\n', ...tree }));
  return disk;
}

interface Ran {
  error: BtyError | undefined;
  output: string;
  report: Map<string, string>;
  log: string;
}

/** Runs a workflow on a flashed disk; `onOutput` sees what it prints. */
async function run(
  disk: SystemDisk,
  commands: Record<string, string>,
  options: { timeLimitSeconds?: number; signal?: AbortSignal; onOutput?: (text: string) => void } = {},
): Promise<Ran> {
  const flashed = await disk.flashed();
  const ran: Ran = { error: undefined, output: '', report: new Map(), log: '' };
  const ports = {
    run: runCommand,
    workDir,
    log: (line: string) => {
      ran.log += `${line}\n`;
    },
    onOutput: (part: Buffer) => {
      ran.output += part.toString();
      options.onOutput?.(ran.output);
    },
    keepReport: async (files: readonly ArchiveFile[]) => {
      ran.report = new Map(files.map(({ path, content }) => [path, content.toString()]));
    },
  };
  const workflow = place(flows, commands, options.timeLimitSeconds);
  await provisionByWorkflow(workflow, flashed, ports, options.signal ?? never).catch((error: BtyError) => {
    ran.error = error;
  });
  return ran;
}

function fileOn(disk: SystemDisk, path: string, where = ROOT, options = 'ro'): string | undefined {
  return disk.inside(where, options, (folder) => {
    const place = join(folder, path);
    return existsSync(place) ? readFileSync(place, 'utf8') : undefined;
  });
}

describe('a workflow on a flashed disk', () => {
  it('edits the system at BTY_ROOTFS, and leaves a whole report', async () => {
    const disk = ext4Disk();
    const { error, output, report } = await run(disk, {
      greet: 'echo edited by cijoe > $BTY_ROOTFS/etc/motd',
      name: 'echo {{ config.bty.hostname }} > {{ local.env.BTY_ROOTFS }}/etc/hostname',
      look: 'cat $BTY_ROOTFS/etc/motd',
    });
    expect(error).toBeUndefined();
    expect([fileOn(disk, 'etc/motd'), fileOn(disk, 'etc/hostname')]).toEqual(['edited by cijoe\n', 'node-1\n']);
    expect(output).toContain('edited by cijoe');
    expect([...report.keys()]).toEqual(
      expect.arrayContaining(['report.html', 'task.state', '001_greet/cmd_01.output', '003_look/cmd_01.output']),
    );
    expect(report.get('report.html')).toContain('<html');
  });

  it('finds the file systems of the fstab in their places', async () => {
    const fstab = 'LABEL=root / ext4 defaults 0 1\nLABEL=var /var ext4 defaults 0 2\ntmpfs /tmp tmpfs defaults 0 0\n';
    const disk = ext4Disk({ 'etc/fstab': fstab });
    disk.format(FIRST, 'mke2fs', '-q', '-t', 'ext4', '-L', 'var');
    const { error } = await run(disk, { write: 'echo here > $BTY_ROOTFS/var/mark' });
    expect(error).toBeUndefined();
    expect([fileOn(disk, 'mark', FIRST), fileOn(disk, 'var/mark')]).toEqual(['here\n', undefined]);
  });

  it('finds the subvolumes of a btrfs in their places', async () => {
    const whole = { startMiB: 1, sizeMiB: 200 };
    const disk = newDisk(202, 'label: gpt\nstart=1MiB, size=200MiB\n');
    disk.format(whole, 'mkfs.btrfs', '-q', '-L', 'sys');
    disk.inside(whole, '', (top) => {
      const fstab = 'LABEL=sys / btrfs subvol=@ 0 0\nLABEL=sys /home btrfs subvol=@home 0 0\n';
      for (const name of ['@', '@home']) execFileSync('btrfs', ['subvolume', 'create', join(top, name)]);
      plant(join(top, '@'), { ...SYSTEM, 'etc/fstab': fstab, 'home/': '' });
    });
    const { error, log } = await run(disk, { write: 'echo here > $BTY_ROOTFS/home/mark' });
    expect([error, log]).toEqual([undefined, expect.stringContaining('/home is partition 1 (btrfs, subvolume @home)')]);
    expect(fileOn(disk, '@home/mark', whole, 'ro,subvolid=5')).toBe('here\n');
  });

  it('does not follow a link out of the system for a mount point', async () => {
    const disk = ext4Disk({ 'etc/fstab': 'LABEL=var /srv/data ext4 defaults 0 2\n', srv: `-> ${flows}` });
    disk.format(FIRST, 'mke2fs', '-q', '-t', 'ext4', '-L', 'var');
    const { error, log } = await run(disk, { look: 'true' });
    expect(error).toBeUndefined();
    expect(log).toContain('/srv/data is not mounted for the workflow');
  });

  it('cannot run programs of the system', async () => {
    const disk = ext4Disk({ 'usr/bin/tool': '#!/bin/sh\n' });
    const commands = { run: 'chmod +x $BTY_ROOTFS/usr/bin/tool\n$BTY_ROOTFS/usr/bin/tool' };
    expect((await run(disk, commands)).error).toMatchObject({ code: 'WORKFLOW_FAILED', message: 'failed: run' });
  });
});

describe('nothing stays mounted or running', () => {
  it('when a step fails: the job fails with its name, and the report is there', async () => {
    const disk = ext4Disk();
    const { error, report } = await run(disk, { first: 'true', second: 'false', third: 'true' });
    expect(error).toMatchObject({
      code: 'WORKFLOW_FAILED',
      message: 'failed: second',
      details: { failed_steps: ['second'] },
    });
    expect(report.get('report.html')).toContain('second');
  });

  it('when a step leaves processes and mounts behind', async () => {
    const disk = ext4Disk({ 'proc/': '' });
    const leave =
      'setsid sh -c "exec >/dev/null 2>&1 </dev/null; cd $BTY_ROOTFS; exec sleep 4711" & sleep 0.2\n' +
      'mount -t proc proc $BTY_ROOTFS/proc';
    const { error } = await run(disk, { leave });
    expect(error).toBeUndefined();
    const processes = execFileSync('ps', ['-eo', 'args']).toString();
    expect(processes).not.toContain('sleep 4711');
  });

  it('when its time is over; the report says how far it came', async () => {
    const disk = ext4Disk();
    const { error, report } = await run(
      disk,
      { quick: 'true', slow: 'echo slow\nsleep 4712' },
      { timeLimitSeconds: 3 },
    );
    expect(error).toMatchObject({ code: 'TIME_LIMIT', message: 'the workflow took longer than 3 s' });
    expect(report.get('report.html')).toContain('slow');
    expect(execFileSync('ps', ['-eo', 'args']).toString()).not.toContain('sleep 4712');
  });

  it('when the job is cancelled', async () => {
    const disk = ext4Disk();
    const abort = new AbortController();
    const reason = new BtyError('CANCELLED', 'enough');
    const onOutput = (text: string) => text.includes('running now') && abort.abort(reason);
    const { error, report } = await run(
      disk,
      { wait: 'echo running now\nsleep 4713' },
      { signal: abort.signal, onOutput },
    );
    expect(error).toBe(reason);
    expect(report.has('task.state')).toBe(true);
    expect(execFileSync('ps', ['-eo', 'args']).toString()).not.toContain('sleep 4713');
  });

  it('of another flash on this machine, which does not wait for this one', async () => {
    const [quick, slow] = [ext4Disk(), ext4Disk()];
    const begun = Promise.withResolvers<void>();
    const onOutput = (text: string) => text.includes('begun') && begun.resolve();
    const first = run(quick, { wait: 'echo begun\nsleep 4' }, { onOutput });
    await begun.promise;
    // Begins while the other's root is mounted, and goes on long after it.
    const second = run(slow, { wait: 'sleep 12' });
    expect((await first).error).toBeUndefined();
    expect((await second).error).toBeUndefined();
  }, 60_000);

  it('when the disk has no root', async () => {
    const disk = newDisk(64, GPT);
    disk.format(ROOT, 'mke2fs', '-q', '-t', 'ext4');
    expect((await run(disk, { never: 'true' })).error?.code).toBe('ROOT_NOT_FOUND');
  });
});
