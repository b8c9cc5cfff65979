import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostKeyGuard } from './host-key-guard.js';

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function text(value: string | Buffer): Buffer {
  return Buffer.concat([number(Buffer.from(value as string).length), Buffer.from(value as string)]);
}

function packet(message: number, content: Buffer = Buffer.alloc(0)): Buffer {
  const payload = Buffer.concat([Buffer.from([message]), content]);
  const padding = Buffer.alloc(8);
  return Buffer.concat([number(1 + payload.length + padding.length), Buffer.from([padding.length]), payload, padding]);
}

const BLOB = Buffer.concat([text('ssh-ed25519'), text(Buffer.alloc(32, 7))]);
const KEY = `ssh-ed25519 ${BLOB.toString('base64')}`;
const OTHER = Buffer.concat([text('ssh-ed25519'), text(Buffer.alloc(32, 8))]);
const VERSION = Buffer.from('SSH-2.0-Test\r\n');
const KEXINIT = packet(20, Buffer.alloc(100));
const REST = text(Buffer.alloc(32, 1));
const reply = (blob: Buffer, message = 31) => packet(message, Buffer.concat([text(blob), REST]));
const GROUP = packet(
  31,
  Buffer.concat([text(Buffer.concat([Buffer.from([0]), Buffer.alloc(256, 0xff)])), text(Buffer.from([2]))]),
);
const NEWKEYS = packet(21);
const ENCRYPTED = Buffer.from('anything at all');

function through(guard: HostKeyGuard, bytes: Buffer): Buffer {
  return guard.pass(bytes);
}

describe('HostKeyGuard', () => {
  it.each([
    ['a key exchange', [VERSION, KEXINIT, reply(BLOB), NEWKEYS, ENCRYPTED]],
    ['a group exchange', [VERSION, KEXINIT, GROUP, reply(BLOB, 33), NEWKEYS, ENCRYPTED]],
    ['a banner before it', [Buffer.from('Welcome\r\n'), VERSION, KEXINIT, reply(BLOB), NEWKEYS, ENCRYPTED]],
    ['debug messages in between', [VERSION, KEXINIT, packet(4), reply(BLOB), packet(2), NEWKEYS, ENCRYPTED]],
  ])('lets %s with the pinned key pass, however it is cut', (_name, parts) => {
    const whole = Buffer.concat(parts);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 20 }), (sizes) => {
        const guard = new HostKeyGuard(['ssh-rsa AAAA', KEY]);
        const passed: Buffer[] = [];
        let at = 0;
        for (const size of [...sizes, whole.length]) {
          passed.push(through(guard, whole.subarray(at, at + size)));
          at += size;
        }
        expect(Buffer.concat(passed)).toEqual(whole);
      }),
    );
  });

  it.each([
    ['another key', [VERSION, KEXINIT, reply(OTHER)], 'another host key'],
    [
      'another key after a group that looks like the pinned one',
      [VERSION, KEXINIT, reply(BLOB), reply(OTHER, 33)],
      'another host key',
    ],
    [
      'a reply that is no key where one must be',
      [VERSION, KEXINIT, packet(33, text(Buffer.from([0, 255, 255, 255, 255])))],
      'another host key',
    ],
    ['no key at all', [VERSION, KEXINIT, GROUP, NEWKEYS], 'no host key'],
    ['a key that is cut short', [VERSION, KEXINIT, packet(33, Buffer.concat([number(500), BLOB]))], 'another host key'],
    [
      'something that is no SSH',
      [Buffer.from('HTTP/1.1 400 Bad Request\r\n'), Buffer.alloc(400, 0x41)],
      'does not speak SSH',
    ],
    ['a packet that is too long', [VERSION, number(40_000), Buffer.alloc(1)], 'does not speak SSH'],
    ['a packet with more padding than bytes', [VERSION, number(4), Buffer.from([200])], 'does not speak SSH'],
    ['banners without end', Array.from({ length: 60 }, () => Buffer.from('x\r\n')), 'does not speak SSH'],
  ])('cuts off %s', (_name, parts, message) => {
    const guard = new HostKeyGuard([KEY]);
    expect(() => parts.forEach((part) => void guard.pass(part))).toThrow(message);
  });

  it('holds a reply back until it is whole and judged', () => {
    const guard = new HostKeyGuard([KEY]);
    expect(guard.pass(Buffer.concat([VERSION, KEXINIT]))).toEqual(Buffer.concat([VERSION, KEXINIT]));
    const bytes = reply(BLOB);
    expect(guard.pass(bytes.subarray(0, -1))).toHaveLength(0);
    expect(guard.pass(bytes.subarray(-1))).toEqual(bytes);
  });
});
