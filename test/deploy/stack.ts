/** What docs/deploy.md installs, on a network of its own with a router and virtual machines. */
import type { ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from '../lab/api.ts';
import { startRouter } from '../lab/dhcp.ts';
import { Machine, type MachineOptions } from '../lab/machine.ts';
import { createNetwork, type LabNetwork } from '../lab/network.ts';
import { eventually, run, stop } from '../lab/process.ts';
import { reach } from '../lab/reach.ts';
import { documented } from './documented.ts';
import { Engine } from './engine.ts';

export const PARTS = ['server', 'worker', 'postgres', 'redis', 'dnsmasq'] as const;
export type Part = (typeof PARTS)[number];

export class Stack {
  readonly workDir: string;
  readonly network: LabNetwork;
  /** Where docker-compose.yml and .env are, as the release has them. */
  readonly folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #machines: Machine[] = [];
  #engine: Engine | undefined;
  #baseUrl = '';
  #api: Api | undefined;

  constructor(name: string, release: string) {
    this.workDir = mkdtempSync(join(tmpdir(), `${name}-`));
    chmodSync(this.workDir, 0o755);
    this.folder = join(this.workDir, 'deploy');
    mkdirSync(this.folder);
    for (const file of ['docker-compose.yml', 'tls.yml', 'seccomp-worker.json', '.env']) {
      cpSync(join(release, 'deploy', file), join(this.folder, file));
    }
    this.network = createNetwork(name);
  }

  get engine(): Engine {
    if (!this.#engine) throw new Error('the engine is not started');
    return this.#engine;
  }

  /** With the admin's token, once the stack is up. */
  get api(): Api {
    if (!this.#api) throw new Error('the stack is not up');
    return this.#api;
  }

  get baseUrl(): string {
    return this.#baseUrl;
  }

  /** Starts the engine in the network, and the router beside it. */
  async start(): Promise<void> {
    this.#engine = await Engine.start(this.network.namespace);
    // The bridge is the lab's switch here: what passes through it is none of the engine's firewall's business.
    run(...this.#inside('sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0'));
    this.compose('down', '--volumes');
    this.#children.push(startRouter(this.network, this.workDir));
    run('ip', '-n', this.network.namespace, 'route', 'add', 'default', 'via', '10.77.0.254');
    const { baseUrl, relay } = await reach(this.network, this.workDir, 8080);
    this.#children.push(relay);
    this.#baseUrl = baseUrl;
  }

  #inside(...argv: string[]): [string, ...string[]] {
    return this.network.inside(argv) as [string, ...string[]];
  }

  compose(...args: string[]): string {
    return this.engine.compose(this.folder, ...args);
  }

  /** Runs words of the documentation where they are meant to be run, with variables that an admin has set. */
  documented(name: string, variables: Record<string, string> = {}): string {
    const set = Object.entries(variables).map(([variable, value]) => `${variable}='${value}'\n`);
    // they are part of the lab's network, as an admin's shell is
    return this.engine.shell(this.folder, `${set.join('')}${documented(name)}`, this.network.namespace);
  }

  /** `docker compose up`, to the moment in which every part is healthy. Resolves to seconds. */
  async up(how: 'up' | 'restore' = 'up'): Promise<number> {
    const began = performance.now();
    this.documented(how);
    await this.ready();
    await eventually('every part is healthy', 60_000, () =>
      PARTS.every((part) => this.state(part).health === 'healthy'),
    );
    const token = this.compose('exec', '-T', 'server', 'cat', '/var/lib/bty/admin-token').trim();
    this.#api = new Api(this.#baseUrl, token);
    return (performance.now() - began) / 1000;
  }

  /** Resolves as soon as the server says that it can do its work. */
  async ready(limitMs = 120_000): Promise<void> {
    await eventually(
      'the server is ready',
      limitMs,
      async () => {
        try {
          return (await fetch(`${this.#baseUrl}/readyz`, { headers: { connection: 'close' } })).ok;
        } catch {
          return false; // nobody listens yet
        }
      },
      100,
    );
  }

  id(part: Part): string {
    return this.compose('ps', '-q', part).trim();
  }

  inspect<T>(part: Part, format: string): T {
    return JSON.parse(this.engine.docker('inspect', '--format', `{{json ${format}}}`, this.id(part))) as T;
  }

  state(part: Part): { pid: number; startedAt: string; health: string; restarts: number } {
    type State = { Pid: number; StartedAt: string; Health: { Status: string } };
    const { State, RestartCount } = this.inspect<{ State: State; RestartCount: number }>(part, '.');
    return { pid: State.Pid, startedAt: State.StartedAt, health: State.Health.Status, restarts: RestartCount };
  }

  /** `kill -9` of a container's first process, and with it of all. Resolves to the seconds until it does its work again. */
  async kill(part: Part): Promise<number> {
    const before = this.state(part);
    const began = performance.now();
    process.kill(before.pid, 'SIGKILL');
    await eventually(`${part} is started again`, 30_000, () => this.state(part).restarts > before.restarts, 100);
    console.error(`deploy: ${part} is started again after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    if (part === 'worker') await this.#takesRuns(began);
    else if (part === 'dnsmasq') await eventually('DHCP answers', 30_000, () => this.state(part).health === 'healthy');
    else await this.ready(60_000);
    return (performance.now() - began) / 1000;
  }

  async #takesRuns(since: number): Promise<void> {
    const at = new Date(performance.timeOrigin + since).toISOString();
    await eventually(
      'the worker waits for runs',
      60_000,
      () => this.engine.logs(this.id('worker'), at).includes('waits for runs'),
      100,
    );
  }

  addMachine(options: MachineOptions): Machine {
    const machine = new Machine(this.network, this.workDir, options);
    this.#machines.push(machine);
    return machine;
  }

  secret(name: string): string {
    const [, value] = new RegExp(`^${name}=(.*)$`, 'm').exec(readFileSync(join(this.folder, '.env'), 'utf8')) ?? [];
    if (!value) throw new Error(`.env has no ${name}`);
    return value;
  }

  async stop(): Promise<void> {
    for (const machine of this.#machines) await machine.powerOff();
    if (this.#engine) {
      this.compose('down', '--volumes', '--timeout', '2');
      await this.engine.stop();
    }
    for (const child of this.#children) await stop(child);
    this.network.remove();
    rmSync(this.workDir, { recursive: true, force: true });
  }
}
