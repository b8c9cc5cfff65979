import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SETTINGS } from '../../apps/server/src/config/config.js';

it('docs/server.md lists every setting of the server as the code states it', () => {
  const table = /^\| variable \|.*\n\|[- |]+\|\n((?:\|.*\n)+)/m.exec(readFileSync('docs/server.md', 'utf8'))?.[1] ?? '';
  const rows = Object.entries<{ says: string; otherwise: string; secret?: boolean }>(SETTINGS).map(
    ([name, { says, otherwise, secret }]) => `| \`${name}\`${secret ? ' or `_FILE`' : ''} | ${says} | ${otherwise} |\n`,
  );
  expect(table).toBe(rows.join(''));
});
