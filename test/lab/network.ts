/** A network of its own for one lab: a namespace with a bridge, on which the server and the machines sit. */
import { existsSync } from 'node:fs';
import { run } from './process.ts';

export interface LabNetwork {
  /** Name of the network namespace. */
  readonly namespace: string;
  /** IPv4 address of the bridge: where server and DHCP listen. */
  readonly address: string;
  /** Name of the bridge. */
  readonly bridge: string;
  /** Puts the words before a command that make it run on this network. */
  inside(argv: readonly string[]): string[];
  /** Adds a tap interface for a machine and returns its name. */
  addTap(): string;
  /** Adds a host of its own namespace on the bridge, 10.77.0.254, and says how to run commands there and its interface. */
  addRouter(): { inside(argv: readonly string[]): string[]; link: string };
  remove(): void;
}

function removeNamespace(name: string): void {
  if (existsSync(`/run/netns/${name}`)) run('ip', 'netns', 'delete', name);
}

/** Makes the namespace; a leftover of the same name is removed first. Needs root. */
export function createNetwork(namespace: string): LabNetwork {
  const [address, bridge] = ['10.77.0.1', 'br0'];
  const ip = (...args: string[]): string => run('ip', '-n', namespace, ...args);
  removeNamespace(namespace);
  run('ip', 'netns', 'add', namespace);
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', bridge, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0');
  ip('addr', 'add', `${address}/24`, 'dev', bridge);
  // iPXE waits 13 s for a router advertisement on a network that sends none; the lab's DHCP sends them
  ip('addr', 'add', 'fd77::1/64', 'dev', bridge, 'nodad');
  ip('link', 'set', bridge, 'up');
  let taps = 0;
  const routers: string[] = [];
  return {
    namespace,
    address,
    bridge,
    inside: (argv) => ['ip', 'netns', 'exec', namespace, ...argv],
    addTap: () => {
      const tap = `tap${taps++}`;
      ip('tuntap', 'add', tap, 'mode', 'tap');
      ip('link', 'set', tap, 'master', bridge);
      ip('link', 'set', tap, 'up');
      return tap;
    },
    addRouter: () => {
      const router = `${namespace}-rt`;
      const link = 'wan0';
      removeNamespace(router);
      run('ip', 'netns', 'add', router);
      routers.push(router);
      ip('link', 'add', 'router0', 'type', 'veth', 'peer', 'name', link, 'netns', router);
      ip('link', 'set', 'router0', 'master', bridge);
      ip('link', 'set', 'router0', 'up');
      for (const address of ['10.77.0.254/24', 'fd77::fe/64']) {
        run('ip', '-n', router, 'addr', 'add', address, 'dev', link, ...(address.includes(':') ? ['nodad'] : []));
      }
      run('ip', '-n', router, 'link', 'set', link, 'up');
      return { inside: (argv) => ['ip', 'netns', 'exec', router, ...argv], link };
    },
    remove: () => {
      for (const name of [...routers, namespace]) removeNamespace(name);
    },
  };
}
