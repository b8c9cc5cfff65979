import {
  BtyError,
  type CheckResult,
  type CheckStart,
  type FlashStart,
  type JobRef,
  PROTOCOL_LIMITS,
} from '@bty/wire-types';
import { beforeEach, describe, expect, it } from 'vitest';
import { JobRunner } from './job-runner.js';
import type { FlashOutcome } from './pipeline.js';
import type { Report } from './session/outbox.js';

const JOB_ID = '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f';
const OTHER_ID = '9d0e8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f';

const OUTCOME: FlashOutcome = {
  bootPartition: undefined,
  result: {
    target: { path: '/dev/vda', size_bytes: 1 },
    bytes_fetched: 1,
    bytes_written: 1,
    bytes_skipped: 0,
    bytes_zeroed: 0,
    bytes_verified: 1,
    verify: 'full',
    strategy: 'compare',
    strategy_reason: 'all is right',
    bottleneck: 'disk',
    stage_ms: {},
    duration_ms: 1,
    gpt_relocated: false,
    peak_rss_bytes: 1,
  },
};

const FOUND: CheckResult = {
  target: { path: '/dev/vda', size_bytes: 1 },
  equal: true,
  compared_bytes: 1,
  differing_bytes: 0,
  differing_share: 0,
  ranges: [],
  ranges_left_off: 0,
  partitions: [],
  differing_bytes_outside_partitions: 0,
  duration_ms: 1,
};

function order(job_id = JOB_ID, epoch = 1): FlashStart {
  const image = {
    name: 'a.img',
    format: 'img' as const,
    size_bytes: 512,
    content_size_bytes: 512,
    sha256: 'a'.repeat(64),
    content_sha256: 'a'.repeat(64),
    map: { path: '/maps/b', size_bytes: 180, blake3: 'b'.repeat(64) },
  };
  return { type: 'flash.start', job_id, epoch, image, verify: 'full', provisioning_mode: 'none' };
}

function checkOrder(job_id = JOB_ID, epoch = 1): CheckStart {
  return { type: 'check.start', job_id, epoch, image: order().image };
}

interface Check {
  signal: AbortSignal;
  succeed: () => void;
  fail: (error: unknown) => void;
}

interface Flash {
  order: FlashStart;
  signal: AbortSignal;
  succeed: () => void;
  fail: (error: unknown) => void;
}

let flashes: Flash[];
let checks: Check[];
let bootedForJob: boolean;
let running: number;
let reports: Report[];
let happened: string[];
let lastFinished: JobRef | undefined;
let acknowledges: boolean;
let runner: JobRunner;

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  flashes = [];
  checks = [];
  bootedForJob = true;
  running = 0;
  reports = [];
  happened = [];
  lastFinished = undefined;
  acknowledges = true;
  runner = new JobRunner({
    flash: async (given, signal) => {
      running += 1;
      if (running > 1) throw new Error('two flashes at once');
      const { promise, resolve, reject } = Promise.withResolvers<FlashOutcome>();
      flashes.push({ order: given, signal, succeed: () => resolve(OUTCOME), fail: reject });
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      try {
        return await promise;
      } finally {
        running -= 1;
      }
    },
    check: (_order, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<CheckResult>();
      checks.push({ signal, succeed: () => resolve(FOUND), fail: reject });
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      return promise;
    },
    get bootedForJob() {
      return bootedForJob;
    },
    report: (report) => {
      reports.push(report);
      happened.push(report.type);
      return acknowledges ? Promise.resolve() : new Promise(() => undefined);
    },
    collectLog: async () => 'what happened',
    lastFinished: () => lastFinished,
    setLastFinished: (ref) => {
      lastFinished = ref;
    },
    bootDiskNext: async () => {
      happened.push('next boot');
      return 'asked';
    },
    reboot: async () => void happened.push('reboot'),
    onOutcome: (text) => void happened.push(text.split(/[:.]/)[0] ?? ''),
    onWait: (text) => void happened.push(text),
    log: () => undefined,
    after: async () => undefined,
  });
});

describe('a job whose turn it is not yet', () => {
  it('is shown with how many are ahead, and nothing is written', async () => {
    runner.handle({ type: 'flash.wait', job_id: JOB_ID, ahead: 3 });
    await settle();
    expect(happened).toEqual(['Waiting for its turn: 3 other machines are ahead.']);
    expect(flashes).toEqual([]);
  });
});

describe('a job that succeeds', () => {
  it('is reported, then the disk is the next boot, then the reboot is announced, then it reboots', async () => {
    runner.handle(order());
    await settle();
    flashes[0]?.succeed();
    await settle();
    expect(happened).toEqual([
      'Flashed /dev/vda, verify full',
      'flash.finished',
      'next boot',
      'agent.rebooting',
      'reboot',
    ]);
    expect(reports[0]).toMatchObject({ outcome: 'succeeded', result: OUTCOME.result });
  });

  it('does not reboot before its result is acknowledged', async () => {
    acknowledges = false;
    runner.handle(order());
    await settle();
    flashes[0]?.succeed();
    await settle();
    expect(happened).toEqual(['Flashed /dev/vda, verify full', 'flash.finished']);
  });
});

describe('a job that fails', () => {
  it('is reported with its code and its log, and the machine stays for the next order', async () => {
    runner.handle(order());
    await settle();
    flashes[0]?.fail(new BtyError('DISK_IO', 'LBA 7', { details: { lba: 7 } }));
    await settle();
    expect(reports).toEqual([
      {
        type: 'flash.finished',
        job_id: JOB_ID,
        epoch: 1,
        outcome: 'failed',
        error: { code: 'DISK_IO', message: 'LBA 7', details: { lba: 7 } },
      },
      { type: 'flash.log', job_id: JOB_ID, epoch: 1, part: PROTOCOL_LIMITS.maxOutputParts, text: 'what happened' },
    ]);
    expect(happened).not.toContain('reboot');
    runner.handle(order(JOB_ID, 2));
    await settle();
    expect(flashes).toHaveLength(2);
  });

  it('in a way that nobody foresaw is an internal failure, with its message', async () => {
    runner.handle(order());
    await settle();
    flashes[0]?.fail(new TypeError('x is undefined'));
    await settle();
    expect(reports[0]).toMatchObject({ error: { code: 'INTERNAL', message: 'x is undefined' } });
  });
});

describe('a check', () => {
  const REBOOTS = ['agent.rebooting', 'reboot'];

  it('is reported; the machine that was started for it boots its disk, and its firmware is left alone', async () => {
    runner.handle(checkOrder());
    await settle();
    checks[0]?.succeed();
    await settle();
    expect(reports[0]).toMatchObject({ type: 'check.finished', outcome: 'succeeded', result: FOUND });
    expect(happened).toEqual(['/dev/vda is equal to the image', 'check.finished', ...REBOOTS]);
  });

  it('that failed is reported with its log before the disk is booted', async () => {
    runner.handle(checkOrder());
    await settle();
    checks[0]?.fail(new BtyError('TARGET_AMBIGUOUS', 'two disks'));
    await settle();
    expect(reports[0]).toMatchObject({
      type: 'check.finished',
      outcome: 'failed',
      error: { code: 'TARGET_AMBIGUOUS' },
    });
    expect(happened.slice(1)).toEqual(['check.finished', 'flash.log', ...REBOOTS]);
  });

  it('does not send away a machine whose report is not stored yet, nor begin anything else there', async () => {
    acknowledges = false;
    runner.handle(checkOrder());
    await settle();
    checks[0]?.succeed();
    await settle();
    runner.handle(order(OTHER_ID));
    await settle();
    expect(happened).not.toContain('reboot');
    expect(flashes).toEqual([]);
  });

  it('leaves a machine where it is that was there before: for a person, or after another job', async () => {
    bootedForJob = false;
    runner.handle(checkOrder());
    await settle();
    checks[0]?.succeed();
    await settle();
    bootedForJob = true;
    runner.handle(checkOrder(OTHER_ID));
    await settle();
    checks[1]?.succeed();
    await settle();
    expect(reports).toHaveLength(2);
    expect(happened).not.toContain('reboot');
    runner.handle(order(JOB_ID, 2));
    await settle();
    expect(flashes).toHaveLength(1);
  });

  it('makes room for the order that the server has instead', async () => {
    runner.handle(checkOrder());
    await settle();
    runner.handle(order(OTHER_ID));
    await settle();
    expect(checks[0]?.signal.reason).toMatchObject({ code: 'STALE_EPOCH' });
    await settle();
    expect(flashes).toHaveLength(1);
    expect(happened).not.toContain('reboot');
  });

  it('ends without a reboot when the agent is to end', async () => {
    runner.handle(checkOrder());
    await settle();
    await runner.stop(new BtyError('CANCELLED', 'told to stop'));
    await settle();
    expect(reports[0]).toMatchObject({ type: 'check.finished', outcome: 'failed' });
    expect(happened).not.toContain('reboot');
  });
});

describe('orders', () => {
  it('that come twice are carried out once, while they run and after they ended', async () => {
    runner.handle(order());
    runner.handle(order());
    await settle();
    runner.handle(order());
    flashes[0]?.fail(new BtyError('DISK_IO', 'x'));
    await settle();
    runner.handle(order());
    await settle();
    expect(flashes).toHaveLength(1);
  });

  it('of an older epoch are ignored', async () => {
    runner.handle(order(JOB_ID, 3));
    runner.handle(order(JOB_ID, 2));
    await settle();
    expect(flashes.map(({ order: { epoch } }) => epoch)).toEqual([3]);
    expect(flashes[0]?.signal.aborted).toBe(false);
  });

  it('that are newer end the older one first: never two write', async () => {
    runner.handle(order());
    await settle();
    runner.handle(order(OTHER_ID));
    await settle();
    expect(flashes[0]?.signal.reason).toMatchObject({ code: 'STALE_EPOCH' });
    expect(flashes.map(({ order: { job_id } }) => job_id)).toEqual([JOB_ID, OTHER_ID]);
    expect(runner.currentJob()).toEqual({ job_id: OTHER_ID, epoch: 1 });
  });

  it('that come thrice in a row are each begun only when the one before has ended', async () => {
    for (const id of [JOB_ID, OTHER_ID, JOB_ID.replace('3', '4')]) runner.handle(order(id));
    await settle();
    await settle();
    expect(flashes.filter(({ signal }) => !signal.aborted)).toHaveLength(1);
    expect(running).toBe(1);
  });

  it('to cancel end the job they name, and no other', async () => {
    runner.handle(order());
    await settle();
    const cancel = { type: 'flash.cancel' as const, code: 'CANCELLED' as const, reason: 'by hand' };
    runner.handle({ ...cancel, job_id: OTHER_ID, epoch: 1 });
    expect(flashes[0]?.signal.aborted).toBe(false);
    runner.handle({ ...cancel, job_id: JOB_ID, epoch: 1 });
    await settle();
    expect(reports[0]).toMatchObject({ outcome: 'failed', error: { code: 'CANCELLED' } });
    expect(runner.currentJob()).toBeUndefined();
  });

  it('to reboot are followed when there is no job, and not in the middle of one', async () => {
    runner.handle(order());
    await settle();
    runner.handle({ type: 'agent.reboot', reason: 'done' });
    expect(happened).not.toContain('reboot');
    flashes[0]?.fail(new BtyError('DISK_IO', 'x'));
    await settle();
    runner.handle({ type: 'agent.reboot', reason: 'done' });
    await settle();
    expect(happened.at(-1)).toBe('reboot');
  });

  it('that come while the machine is about to reboot are left to the next boot', async () => {
    runner.handle(order());
    await settle();
    flashes[0]?.succeed();
    await settle();
    runner.handle(order(OTHER_ID));
    await settle();
    expect(flashes).toHaveLength(1);
  });
});

describe('stopping', () => {
  it('ends the flash and waits until nothing writes any more', async () => {
    runner.handle(order());
    await settle();
    await runner.stop(new BtyError('STALE_EPOCH', 'superseded'));
    expect(running).toBe(0);
    expect(reports[0]).toMatchObject({ outcome: 'failed', error: { code: 'STALE_EPOCH' } });
  });
});
