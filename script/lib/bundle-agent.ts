/**
 * Bundles the agent, which is also the `bty` command, into dist/agent-bundle/: `agent.mjs`, `worker.mjs` for its worker
 * threads, what they share, the native addons, the launchers `bty` and `bty-tui`, and a package.json, so that the folder is
 * an npm package. Runs from any folder; the same sources give the same bytes.
 */
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '../..');
const require = createRequire(join(ROOT, 'package.json'));
interface Manifest {
  version: string;
  description: string;
  license: string;
  optionalDependencies: Record<string, string>;
}
const { version, description, license, optionalDependencies } = require('./package.json') as Manifest;

// Packages that pick their addon at run time by trying names; the bundle names the one that it carries.
const ADDONS: Record<string, string> = {
  '@napi-rs/blake-hash': `@napi-rs/blake-hash-linux-${process.arch}-gnu/blake.linux-${process.arch}-gnu.node`,
  koffi: `@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`,
};

const addons: Plugin = {
  name: 'addons',
  setup(plugin) {
    const names = Object.keys(ADDONS).join('|');
    plugin.onResolve({ filter: new RegExp(`^(${names})$`) }, ({ path }) => ({ path, namespace: 'addon' }));
    plugin.onLoad({ filter: /.*/, namespace: 'addon' }, ({ path }) => ({
      contents: `module.exports = require('${ADDONS[path]}');`,
      resolveDir: dirname(require.resolve(path)),
    }));
  },
};

const outdir = join(ROOT, 'dist/agent-bundle');
await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: ROOT,
  entryPoints: { agent: 'apps/agent/src/main.ts', worker: 'apps/agent/src/crew/worker.ts' },
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  // what both need is there once, and what a run does not need is not read
  splitting: true,
  chunkNames: '[name]-[hash]',
  platform: 'node',
  format: 'esm',
  // the modules that can be shaken: class-validator alone loses two thirds
  mainFields: ['module', 'main'],
  target: 'node24',
  loader: { '.node': 'copy' },
  assetNames: '[name]',
  // Optional speed-ups of ws that are not installed.
  external: ['bufferutil', 'utf-8-validate'],
  define: { BTY_VERSION: JSON.stringify(version), BTY_WORKER: JSON.stringify('./worker.mjs') },
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  plugins: [addons],
  logLevel: 'warning',
});

const nodePackage = `node-linux-${process.arch}`;
const manifest = {
  name: 'bty',
  version,
  description,
  license,
  os: ['linux'],
  cpu: [process.arch],
  libc: ['glibc'],
  bin: { bty: 'bty', 'bty-tui': 'bty-tui' },
  // the Node that it was made for; with another one it runs at its own risk
  optionalDependencies: { [nodePackage]: optionalDependencies[nodePackage] },
};
await writeFile(join(outdir, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
for (const name of ['bty', 'bty-tui']) await copyFile(join(ROOT, 'deploy/command', name), join(outdir, name));
await copyFile(join(ROOT, 'LICENSE'), join(outdir, 'LICENSE'));
