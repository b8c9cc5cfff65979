/** The ways from the server to the machines. The bench runs in a network namespace of its own, which is the server's. */
import { run } from '../lab/process.ts';

export interface Link {
  /** Address of the server as the machines see it. */
  readonly address: string;
  /** Puts the words before a command that make it run on a machine of this link. */
  inside(machine: number, argv: readonly string[]): readonly string[];
  remove(): void;
}

/** The machine is the server. */
export const loopback: Link = {
  address: '127.0.0.1',
  inside: (_, argv) => argv,
  remove: () => {},
};

// 1 Gbit/s with a queue of 4 ms, about what a switch has.
const SHAPE = ['root', 'tbf', 'rate', '1gbit', 'burst', '256kb', 'latency', '4ms'];

/** Machines in namespaces of their own, all behind one port of 1 Gbit/s of the server; each has 1 Gbit/s back. */
export function sharedGigabit(machines: number): Link {
  const names = Array.from({ length: machines }, (_, index) => `machine${index}`);
  run('ip', 'link', 'add', 'br0', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0');
  run('ip', 'addr', 'add', '10.77.0.1/24', 'dev', 'br0');
  run('ip', 'link', 'set', 'br0', 'up');
  run('tc', 'qdisc', 'add', 'dev', 'br0', ...SHAPE);
  for (const [index, name] of names.entries()) {
    run('ip', 'netns', 'add', name);
    run('ip', 'link', 'add', `port${index}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    run('ip', 'link', 'set', `port${index}`, 'master', 'br0', 'up');
    run('ip', '-n', name, 'addr', 'add', `10.77.0.${10 + index}/24`, 'dev', 'eth0');
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
    run('tc', '-n', name, 'qdisc', 'add', 'dev', 'eth0', ...SHAPE);
  }
  return {
    address: '10.77.0.1',
    inside: (machine, argv) => ['ip', 'netns', 'exec', names[machine] ?? '', ...argv],
    remove: () => {
      for (const name of names) run('ip', 'netns', 'delete', name);
      run('ip', 'link', 'delete', 'br0');
    },
  };
}
