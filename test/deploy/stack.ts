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

  /** With the container's `id` it takes milliseconds; to ask Compose for it takes a second of processor. */
  inspect<T>(part: Part, format: string, id = this.id(part)): T {
    return JSON.parse(this.engine.docker('inspect', '--format', `{{json ${format}}}`, id)) as T;
  }

  state(part: Part, id?: string): { pid: number; startedAt: string; health: string } {
    type State = { Pid: number; StartedAt: string; Health: { Status: string } };
    const { Pid, StartedAt, Health } = this.inspect<State>(part, '.State', id);
    return { pid: Pid, startedAt: StartedAt, health: Health.Status };
  }

  /** `kill -9` of a container's first process, and with it of all. Resolves to the seconds until it does its work again. */
  async kill(part: Part): Promise<number> {
    const id = this.id(part);
    const before = this.state(part, id);
    const began = Date.now();
    const seconds = (until: number): number => (until - began) / 1000;
    process.kill(before.pid, 'SIGKILL');
    const startedAt = (): string => this.state(part, id).startedAt;
    await eventually(`${part} is started again`, 30_000, () => startedAt() !== before.startedAt, 100);
    const started = Date.parse(startedAt());
    console.error(`deploy: ${part} is started again after ${seconds(started).toFixed(1)} s`);
    if (part === 'worker') return seconds(await this.#takesRuns(id, started));
    if (part === 'dnsmasq')
      await eventually('DHCP answers', 30_000, () => this.state(part, id).health === 'healthy', 100);
    else await this.ready(60_000);
    return seconds(Date.now());
  }

  /** Resolves to the moment at which the worker has said that it takes runs, as the engine has noted it. */
  async #takesRuns(id: string, startedAt: number): Promise<number> {
    const since = new Date(startedAt).toISOString();
    const line = /^(\S+) .*waits for runs$/m;
    const [, at = ''] = await eventually(
      'the worker waits for runs',
      60_000,
      () => line.exec(this.engine.logs(id, since)) ?? undefined,
      100,
    );
    return Date.parse(at);
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
