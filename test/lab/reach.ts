/** A way from here to a server inside a lab's network. */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { LabNetwork } from './network.ts';
import { eventually, start } from './process.ts';
import { relayFrom } from './relay.ts';

const NODE = join(import.meta.dirname, '../../node_modules/.bin/node');

/** Resolves to where `port` of the lab's bridge is reached from here, and to the process that carries it there. */
export async function reach(
  network: LabNetwork,
  workDir: string,
  port: number,
): Promise<{ baseUrl: string; relay: ChildProcess }> {
  const socket = join(workDir, 'api.sock');
  const relay = start(
    network.inside([NODE, join(import.meta.dirname, 'relay.ts'), socket, network.address, String(port)]),
    { logFile: join(workDir, 'relay.log') },
  );
  await eventually('the relay listens', 10_000, () => existsSync(socket));
  const outer = await relayFrom(socket);
  outer.unref();
  return { baseUrl: `http://127.0.0.1:${(outer.address() as AddressInfo).port}`, relay };
}
