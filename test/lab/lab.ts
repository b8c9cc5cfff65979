/** A whole lab: a network, bty's server on its embedded default, DHCP, and virtual machines. */
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from './api.ts';
import { type DhcpShape, startDhcp } from './dhcp.ts';
import { Machine, type MachineOptions } from './machine.ts';
import { createNetwork, type LabNetwork } from './network.ts';
import { eventually, start, stop } from './process.ts';
import { reach } from './reach.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const SERVER = join(REPOSITORY, 'apps/server/bty-server');
const PORT = 8080;

export interface LabOptions {
  /** Name of the network namespace; two labs at a time need two names. */
  name: string;
  /** What `script/live-env` built. */
  bootDir: string;
  /** Where the server keeps its state; a fresh directory that goes with the lab when it is not given. */
  stateDir?: string;
  /** Which of the shipped DHCP configurations runs; `full` by default. */
  dhcp?: DhcpShape;
  /** Further settings of the server. */
  env?: Record<string, string>;
}

/** What has a server with an API. */
export type Served = Pick<Lab, 'api'>;

export class Lab {
  readonly network: LabNetwork;
  /** Logs, disks and sockets of this lab. Readable for everybody: the embedded Postgres runs under a uid of its own. */
  readonly workDir: string;
  readonly stateDir: string;
  readonly #options: LabOptions;
  readonly #machines: Machine[] = [];
  readonly #children: ChildProcess[] = [];
  #server: ChildProcess | undefined;
  #api: Api | undefined;

  constructor(options: LabOptions) {
    this.#options = options;
    this.workDir = mkdtempSync(join(tmpdir(), `${options.name}-`));
    chmodSync(this.workDir, 0o755);
    this.stateDir = options.stateDir ?? join(this.workDir, 'state');
    mkdirSync(this.stateDir, { recursive: true });
    this.network = createNetwork(options.name);
  }

  /** The API through the lab's relay, with the admin's token. */
  get api(): Api {
    if (!this.#api) throw new Error('the lab is not started');
    return this.#api;
  }

  get adminToken(): string {
    return readFileSync(join(this.stateDir, 'admin-token'), 'utf8').trim();
  }

  get serverProcess(): ChildProcess {
    if (!this.#server) throw new Error('the server is not started');
    return this.#server;
  }

  async start(): Promise<void> {
    const { bootDir, dhcp: shape = 'full' } = this.#options;
    this.#children.push(...startDhcp(this.network, { shape, workDir: this.workDir, bootDir, serverPort: PORT }));
    const reached = await reach(this.network, this.workDir, PORT);
    this.#children.push(reached.relay);
    await this.startServer();
    this.#api = new Api(reached.baseUrl, this.adminToken);
    await eventually('the server answers', 30_000, () => this.#ready());
  }

  async startServer(): Promise<void> {
    const logFile = join(this.workDir, 'server.log');
    this.#server = start(this.network.inside([SERVER]), {
      logFile,
      env: {
        PATH: process.env['PATH'],
        BTY_STATE_DIR: this.stateDir,
        BTY_BOOT_DIR: this.#options.bootDir,
        BTY_HTTP_HOST: '0.0.0.0',
        BTY_HTTP_PORT: String(PORT),
        ...this.#options.env,
      },
    });
    await eventually(
      'the server has an admin token',
      30_000,
      () => {
        if (this.#server?.exitCode !== null) throw new Error(`the server ended: ${readFileSync(logFile, 'utf8')}`);
        return existsSync(join(this.stateDir, 'admin-token'));
      },
      50,
    );
  }

  async #ready(): Promise<boolean> {
    try {
      await this.api.call('GET', '/readyz');
      return true;
    } catch {
      return false; // nobody listens yet, or a part is still on its way up
    }
  }

  addMachine(options: MachineOptions): Machine {
    const machine = new Machine(this.network, this.workDir, options);
    this.#machines.push(machine);
    return machine;
  }

  async stopServer(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    return stop(this.serverProcess, signal);
  }

  /** Ends everything that the lab has started. Its directory stays when `keep` is set, to be looked at. */
  async stop({ keep = false } = {}): Promise<void> {
    for (const machine of this.#machines) await machine.powerOff();
    if (this.#server) await this.stopServer();
    for (const child of this.#children) await stop(child);
    this.network.remove();
    if (!keep) rmSync(this.workDir, { recursive: true, force: true });
  }
}
