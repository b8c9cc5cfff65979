import { describe, expect, it } from 'vitest';
import { ManualClock } from '../clock/manual-clock.fake.js';
import { humanBytes, renderScreen } from './render.js';
import { frameBetween, startScreen } from './screen.js';
import type { Status } from './status.js';

function status(more: Partial<Status> = {}): Status {
  return {
    version: '0.1.0',
    server: 'http://10.77.0.1:8080',
    mac: '52:54:00:ab:cd:01',
    mode: 'flash',
    connection: 'connected',
    disks: [
      {
        path: '/dev/vda',
        size_bytes: 8_589_934_592,
        logical_sector_bytes: 512,
        serial: 'V-1',
        by_id: [],
        transport: 'virtio',
        removable: false,
        read_only: false,
        in_use: [],
      },
    ],
    job: undefined,
    outcome: '',
    ...more,
  };
}

const JOB = {
  kind: 'flash' as const,
  imageName: 'debian.img',
  target: '/dev/vda',
  stage: 'writing' as const,
  bytesDone: 268_435_456,
  bytesTotal: 536_870_912,
  bytesPerSecond: 90_000_000,
};

describe('the screen', () => {
  it('shows an idle machine', () => {
    expect(renderScreen(status({ mode: 'tui' }), 79)).toEqual([
      'bty 0.1.0   52:54:00:ab:cd:01   mode tui',
      'Server http://10.77.0.1:8080: connected',
      '',
      'Disks:',
      '  /dev/vda  8.6 GB  V-1  (virtio)',
      '',
      'No job. Waiting for the server to hand one over.',
      '',
    ]);
  });

  it('shows a job with its stage, bytes, rate and the time that is left', () => {
    expect(renderScreen(status({ job: JOB }), 79).slice(6, 9)).toEqual([
      'Flashing debian.img to /dev/vda',
      '  writing  268.4 MB of 536.9 MB  90.0 MB/s',
      '  [####################....................] 50 %, 3 s left',
    ]);
  });

  it('shows why a job failed, disk by disk', () => {
    const outcome = 'FAILED: 2 disks may be written.\n/dev/sda: eligible\n/dev/sdb: eligible [TARGET_AMBIGUOUS]';
    expect(renderScreen(status({ outcome }), 79).slice(-3)).toEqual(outcome.split('\n'));
  });

  it('fits a serial terminal of 80 by 24, whatever it has to show', () => {
    const disk = status().disks[0];
    const lines = renderScreen(
      status({
        disks: Array.from({ length: 40 }, () => ({ ...disk, model: 'M'.repeat(255) }) as NonNullable<typeof disk>),
        job: { ...JOB, imageName: 'x'.repeat(255) },
        outcome: Array.from({ length: 50 }, () => 'y'.repeat(500)).join('\n'),
      }),
      79,
    );
    expect(lines.length).toBeLessThan(24);
    expect(Math.max(...lines.map((line) => line.length))).toBe(79);
  });

  it('lets no control character of a name reach the terminal', () => {
    const lines = renderScreen(status({ job: { ...JOB, imageName: 'a\x1b[2Jb\r\nc' } }), 79);
    expect(lines.join('')).not.toMatch(/[^\x20-\x7e]/);
  });

  it('draws nothing while nothing changes, and only the lines that do', async () => {
    const frames: string[] = [];
    const shown = status({ job: { ...JOB } });
    const clock = new ManualClock();
    const stop = startScreen(shown, [{ write: (frame) => void frames.push(frame) }], clock);
    await clock.pass(5000);
    expect(frames).toHaveLength(1);
    if (shown.job !== undefined) shown.job.bytesDone += 100_000_000;
    await clock.pass(1000);
    expect(frames).toHaveLength(2);
    expect(frames[1]?.length).toBeLessThan(200);
    for (let turn = 0; turn < 100; turn += 1) {
      if (shown.job !== undefined) shown.job.bytesDone += 1_000_000;
      await clock.pass(20);
    }
    expect(frames.length).toBeLessThanOrEqual(2 + 5);
    stop();
  });

  it('erases lines that are no longer there', () => {
    expect(frameBetween(['a', 'b'], ['a'])).toContain('\x1b[2;1H\x1b[K');
    expect(frameBetween(['a'], ['a'])).toBe('');
  });
});

describe('humanBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1_500_000, '1.5 MB'],
    [2e15, '2000.0 TB'],
  ])('%d is %s', (bytes, text) => expect(humanBytes(bytes)).toBe(text));
});
