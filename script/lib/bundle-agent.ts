/**
 * Bundles the agent into dist/agent-bundle/: `agent.mjs` and the native addon beside it. Runs from any folder with
 * `node agent.mjs agent`; the same sources give the same bytes.
 */
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '../..');
const require = createRequire(join(ROOT, 'package.json'));
const { version } = require('./package.json') as { version: string };

// The package picks its addon at run time by trying names; the bundle names the one that it carries.
const blakeAddon: Plugin = {
  name: 'blake-addon',
  setup(plugin) {
    const addon = `@napi-rs/blake-hash-linux-${process.arch}-gnu`;
    plugin.onResolve({ filter: /^@napi-rs\/blake-hash$/ }, ({ path }) => ({ path, namespace: 'blake-addon' }));
    plugin.onLoad({ filter: /.*/, namespace: 'blake-addon' }, () => ({
      contents: `module.exports = require('${addon}/${addon.replace('@napi-rs/blake-hash-', 'blake.')}.node');`,
      resolveDir: dirname(require.resolve('@napi-rs/blake-hash')),
    }));
  },
};

const outdir = join(ROOT, 'dist/agent-bundle');
await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: ROOT,
  entryPoints: { agent: 'apps/agent/src/main.ts' },
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  // the modules that can be shaken: class-validator alone loses two thirds
  mainFields: ['module', 'main'],
  target: 'node24',
  loader: { '.node': 'copy' },
  assetNames: '[name]',
  // Optional speed-ups of ws that are not installed.
  external: ['bufferutil', 'utf-8-validate'],
  define: { BTY_VERSION: JSON.stringify(version) },
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  plugins: [blakeAddon],
  logLevel: 'warning',
});
