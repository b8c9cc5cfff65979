import { describe, expect, it } from 'vitest';
import { nestsDeeperThan } from './json-body.js';

const deep = (json: string) => nestsDeeperThan(2, Buffer.from(json));

describe('nestsDeeperThan', () => {
  it.each(['1', '{}', '{"a":[1]}', '[[],[],[]]', '"[[[["', '{"a\\"[[[":["]]]"]}', '"\\\\"', ''])(
    'takes %s for flat',
    (json) => {
      expect(deep(json)).toBe(false);
    },
  );

  it.each(['[[[', '{"a":{"b":{}}}', '["\\\\",[[1]]]', '"a"[[['])('takes %s for deep', (json) => {
    expect(deep(json)).toBe(true);
  });
});
