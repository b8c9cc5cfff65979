import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { atScreen } from '../../apps/agent/src/tui/tui-state.builder.js';
import { viewTui } from '../../apps/agent/src/tui/tui-view.js';

const page = readFileSync('docs/tui.md', 'utf8');
const shown = new Map(
  [...page.matchAll(/^<!-- screen: (\w+) -->\n```text\n([\s\S]*?)\n```$/gm)].map(([, name = '', text = '']) => [
    name,
    text,
  ]),
);

describe('docs/tui.md', () => {
  it('shows every screen', () => expect([...shown.keys()]).toEqual(Object.keys(atScreen)));

  it.each(Object.entries(atScreen))('shows the screen %s as it is', (name, state) => {
    const text = shown.get(name) ?? '';
    expect(text).toBe(viewTui(state, 80, text.split('\n').length).join('\n'));
  });
});
