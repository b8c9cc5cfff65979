import { describe, expect, it } from 'vitest';
import { parseMacAddress } from './mac-address.js';

describe('parseMacAddress', () => {
  it.each(['52:54:00:AB:cd:01', '52-54-00-ab-cd-01', '525400ABCD01', '5254.00ab.cd01'])('reads %s', (text) => {
    expect(parseMacAddress(text)).toBe('52:54:00:ab:cd:01');
  });

  it.each([
    '',
    '52:54:00:ab:cd',
    '52:54:00:ab:cd:01:02',
    '52:54-00:ab:cd:01',
    '52:54:00:ab:cd:0g',
    ' 52:54:00:ab:cd:01',
    '52:54:00:ab:cd:01\n',
    '00:00:00:00:00:00',
    'ff:ff:ff:ff:ff:ff',
    '01:00:5e:00:00:01',
    '５2:54:00:ab:cd:01',
  ])('refuses %j', (text) => {
    expect(parseMacAddress(text)).toBeUndefined();
  });
});
