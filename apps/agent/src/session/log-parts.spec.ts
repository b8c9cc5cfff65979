import { parseAgentFrame } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';
import { AgentLog } from '../log.js';
import { logParts } from './log-parts.js';

describe('a log', () => {
  it('is cut into parts that each fit a frame, whatever it holds', () => {
    const nasty = '\0\x1b"\\😀\n'.repeat(20_000);
    const parts = logParts(nasty);
    expect(parts.join('')).toHaveLength(nasty.length);
    for (const [part, text] of parts.entries()) {
      const frame = JSON.stringify({
        type: 'flash.log',
        job_id: '3f2b8c1e-8f0a-4b57-9d0e-0a1b2c3d4e5f',
        epoch: 1,
        seq: 1,
        part,
        text,
      });
      expect(Buffer.byteLength(frame)).toBeLessThan(64 * 1024);
      expect(parseAgentFrame(frame).problem).toBeUndefined();
    }
  });

  it('that is too long keeps its end, and one that is empty has no parts', () => {
    const parts = logParts(`${'a'.repeat(2_000_000)}end`);
    expect(parts).toHaveLength(64);
    expect(parts.at(-1)?.endsWith('end')).toBe(true);
    expect(logParts('')).toEqual([]);
  });

  it('stays bounded while an agent runs for weeks', () => {
    const log = new AgentLog(
      () => undefined,
      () => new Date(0),
    );
    for (let line = 0; line < 20_000; line += 1) log.line(`line ${line} ${'x'.repeat(50)}`);
    expect(log.text().length).toBeLessThanOrEqual(256 * 1024);
    expect(log.text().endsWith(`line 19999 ${'x'.repeat(50)}`)).toBe(true);
  });
});
