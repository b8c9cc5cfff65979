import { describe, expect, it } from 'vitest';
import { type Key, KeyReader } from './keys.js';

const told = (keys: Key[]): string[] => keys.map((key) => (key.kind === 'text' ? `'${key.text}'` : key.kind));

describe('the keys that a terminal sends', () => {
  it.each([
    ['arrows of both kinds', '\x1b[A\x1bOB\x1b[C\x1bOD', ['up', 'down', 'right', 'left']],
    ['the Linux console', '\x1b[1~\x1b[4~\x1b[5~\x1b[6~', ['home', 'end', 'page-up', 'page-down']],
    ['both backspaces and both enters', '\x7f\b\r\n', ['backspace', 'backspace', 'enter', 'enter']],
    ['text', 'qß', ["'q'", "'ß'"]],
    ['control keys', '\x03\x0c\x01', ['interrupt', 'redraw']],
    ['sequences that mean nothing here', '\x1b[200~\x1b[1;5Ax', ["'x'"]],
    ['Escape before a letter', '\x1bq', ['escape', "'q'"]],
  ])('%s', (_name, text, keys) => {
    expect(told(new KeyReader().feed(text))).toEqual(keys);
  });

  it('a sequence in pieces is one key', () => {
    const reader = new KeyReader();
    expect([...reader.feed('\x1b'), ...reader.feed('[')]).toEqual([]);
    expect(reader.begun).toBe(true);
    expect(told(reader.feed('A'))).toEqual(['up']);
    expect(reader.begun).toBe(false);
  });

  it('Escape alone is told when nothing follows', () => {
    const reader = new KeyReader();
    reader.feed('\x1b');
    expect(told(reader.flush())).toEqual(['escape']);
    expect(reader.flush()).toEqual([]);
  });
});
