import { readFileSync } from 'node:fs';
import { AGENT_MESSAGES, CLOSE_CODES, SERVER_MESSAGES } from '@bty/wire-types';
import { describe, expect, it } from 'vitest';

const page = readFileSync('docs/protocol.md', 'utf8');
const headings = (title: string): string[] => {
  const section = page.split(/^## /m).find((text) => text.startsWith(title)) ?? '';
  return [...section.matchAll(/^### (.+)$/gm)].map((match) => match[1] ?? '');
};

describe('docs/protocol.md', () => {
  it('has a section for every message, and for no other', () => {
    expect(headings('Messages from the agent')).toEqual(Object.keys(AGENT_MESSAGES));
    expect(headings('Messages from the server')).toEqual(Object.keys(SERVER_MESSAGES));
  });

  it('has a row for every close code, and for no other', () => {
    const rows = [...page.matchAll(/^\| (\d{4}) \| `(\w+)`/gm)].map((match) => [match[2], Number(match[1])]);
    expect(Object.fromEntries(rows)).toEqual(CLOSE_CODES);
  });
});
