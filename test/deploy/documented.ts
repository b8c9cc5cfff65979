import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/deploy.md'), 'utf8');

/** The commands of docs/deploy.md that follow the comment `tested: NAME`. */
export function documented(name: string): string {
  const [, indent = '', words] =
    new RegExp(`^( *)<!-- tested: ${name} -->\\n *\`\`\`sh\\n([^]*?)^ *\`\`\`$`, 'm').exec(PAGE) ?? [];
  if (words === undefined) throw new Error(`docs/deploy.md has no commands for ${name}`);
  return words.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
}
