import { describe, expect, it } from 'vitest';
import { parseAgentFrame, parseServerFrame } from './frame.js';

const JOB = { job_id: '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f', epoch: 2 };
const HELLO = {
  type: 'agent.hello',
  mac: '52:54:00:00:00:01',
  mode: 'flash',
  boot_token: 'x'.repeat(43),
  nonce: 'n'.repeat(22),
  agent_version: '0.1.0',
  inventory: {
    disks: [
      {
        path: '/dev/vda',
        size_bytes: 1024,
        logical_sector_bytes: 512,
        by_id: [],
        transport: 'virtio',
        removable: false,
        read_only: false,
        in_use: [],
      },
    ],
    nics: [],
    firmware: 'bios',
    ram_bytes: 1,
    cpu_count: 1,
  },
};

describe('parseAgentFrame', () => {
  it('reads a hello with its nested inventory', () => {
    const { message } = parseAgentFrame(JSON.stringify(HELLO));
    expect(message).toMatchObject(HELLO);
  });

  it.each([
    ['an unknown type', { type: 'agent.shell' }, 'type: unknown message type'],
    ['a name that every object has', { type: 'constructor' }, 'type: unknown message type'],
    ['an unknown field', { type: 'commit.request', ...JOB, run: 'id' }, 'run: property run should not exist'],
    ['an epoch of nought', { type: 'commit.request', ...JOB, epoch: 0 }, 'epoch: epoch must not be less than 1'],
    ['a stage that does not exist', { type: 'flash.stage', ...JOB, seq: 1, stage: 'resting' }, /^stage: /],
    [
      'a bad nested field',
      { ...HELLO, inventory: { ...HELLO.inventory, firmware: 'coreboot' } },
      /^inventory\.firmware: /,
    ],
    ['a missing inventory', { ...HELLO, inventory: undefined }, /^inventory/],
  ])('names the field of %s', (_name, frame, problem) => {
    const parsed = parseAgentFrame(JSON.stringify(frame));
    expect(parsed.message).toBeUndefined();
    expect(parsed.problem).toEqual(problem instanceof RegExp ? expect.stringMatching(problem) : problem);
  });

  it.each(['', 'x', '[]', 'null', '7', '"agent.hello"', '{"__proto__":{"type":"agent.hello"}}'])(
    'refuses %j',
    (text) => {
      expect(parseAgentFrame(text).problem).toBeDefined();
    },
  );

  it('does not read the messages of the other direction', () => {
    expect(parseAgentFrame(JSON.stringify({ type: 'commit.grant', ...JOB })).problem).toBeDefined();
    expect(parseServerFrame(JSON.stringify({ type: 'commit.grant', ...JOB })).message).toMatchObject(JOB);
  });
});
