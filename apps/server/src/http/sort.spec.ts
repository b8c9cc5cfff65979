import { describe, expect, it } from 'vitest';
import { readPageStart, readSort, writePageStart } from './sort.js';

describe('readSort', () => {
  it('reads the field and the direction', () => {
    expect(readSort('name', ['name', 'age'])).toEqual({ field: 'name', descending: false });
    expect(readSort('-age', ['name', 'age'])).toEqual({ field: 'age', descending: true });
  });

  it.each(['', '-', 'nam', '--name', 'constructor'])('refuses %j', (text) => {
    expect(() => readSort(text, ['name', 'age'])).toThrow('must be one of name, age');
  });
});

describe('readPageStart', () => {
  it('reads what was written', () => {
    const start = { value: 'ä, 1', key: '52:54:00:00:00:01' };
    expect(readPageStart(writePageStart(start), 'text')).toEqual(start);
  });

  it.each(['', 'x', Buffer.from('{}').toString('base64url'), Buffer.from('[1,"a"]').toString('base64url')])(
    'refuses %j',
    (text) => {
      expect(() => readPageStart(text, 'text')).toThrow('Link header');
    },
  );

  it('refuses a number that is none', () => {
    const text = writePageStart({ value: '1; DROP', key: 'a' });
    expect(() => readPageStart(text, 'integer')).toThrow('Link header');
    expect(readPageStart(writePageStart({ value: '17', key: 'a' }), 'integer').value).toBe('17');
  });
});
