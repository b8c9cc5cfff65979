import { describe, expect, it } from 'vitest';
import { parseSelector } from './select-machines.js';

describe('a selector of machines', () => {
  it.each([
    ['52-54-00-AB-CD-01', { kind: 'mac', mac: '52:54:00:ab:cd:01' }],
    ['tag=rack-1,tag=gpu', { kind: 'tags', tags: ['rack-1', 'gpu'] }],
    ['box-7.lab', { kind: 'hostname', hostname: 'box-7.lab' }],
  ])('is %s', (text, selector) => expect(parseSelector(text)).toEqual(selector));

  it.each(['', 'tag=', 'tag=a,b', 'two words', '-x'])('is not %j', (text) => {
    expect(() => parseSelector(text)).toThrow('not a machine');
  });
});
