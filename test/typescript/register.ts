/**
 * Lets threads that a test starts run the sources, as vitest lets the test itself: what asks for `x.thread.js` gets
 * `x.thread.ts`, bundled. For `node --import`; Node's own type stripping knows no decorators.
 */
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');

registerHooks({
  resolve(specifier, context, next) {
    const source = specifier.startsWith('file:') ? specifier.replace(/\.thread\.js$/, '.thread.ts') : specifier;
    const missing = source !== specifier && !existsSync(fileURLToPath(specifier));
    return missing ? { url: source, format: 'module', shortCircuit: true } : next(specifier, context);
  },
  load(url, context, next) {
    if (!url.endsWith('.thread.ts')) return next(url, context);
    const { outputFiles } = buildSync({
      absWorkingDir: ROOT,
      entryPoints: [fileURLToPath(url)],
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node24',
      // keeps the addresses that threads start other threads by
      define: { 'import.meta.url': JSON.stringify(url) },
      write: false,
    });
    return { format: 'module', source: outputFiles[0]?.text ?? '', shortCircuit: true };
  },
});
