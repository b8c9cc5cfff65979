/** A Docker engine of our own: its sockets, its network and its images are apart from those of this host. */
import { type ChildProcess, execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE } from '../lab/builds.ts';
import { eventually, run, start, stop } from '../lab/process.ts';
import { lastWords } from './obstacles.ts';

/** It builds on the host's network, which it leaves as it is. */
const NO_NETWORK = ['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'];

/** Every Compose that there is: v2 is a part of `docker`, v1 a program of its own. */
function composeCommands(): string[][] {
  const known = [['docker', 'compose'], ['docker-compose']];
  return known.filter(([program = '', ...first]) => spawnSync(program, [...first, 'version']).status === 0);
}

export class Engine {
  readonly #workDir = mkdtempSync(join(tmpdir(), 'bty-engine-'));
  readonly #composes = composeCommands();
  /** The newest of them is what the tests run. */
  readonly #compose = this.#composes[0] ?? [];
  readonly #data: string;
  #daemon: ChildProcess | undefined;

  private constructor(images: 'kept' | 'none') {
    this.#data = join(CACHE, images === 'kept' ? 'docker' : 'docker-empty');
  }

  /**
   * Starts one; in a network namespace it may do there what an engine does. It has the images that earlier ones have made, or
   * none. Throws with its last words when it cannot.
   */
  static async start(namespace?: string, images: 'kept' | 'none' = 'kept'): Promise<Engine> {
    const engine = new Engine(images);
    try {
      await engine.#begin(namespace);
      return engine;
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  async #begin(namespace: string | undefined): Promise<void> {
    mkdirSync(CACHE, { recursive: true });
    const log = join(this.#workDir, 'dockerd.log');
    // One at a time has the images. `ip netns exec` would hide the control groups.
    const place = namespace === undefined ? [] : ['nsenter', `--net=/run/netns/${namespace}`];
    const daemon = start(
      [
        ...['flock', '--no-fork', `${this.#data}.lock`, ...this.#emptied(), ...place, 'dockerd'],
        ...['--data-root', this.#data, '--exec-root', join(this.#workDir, 'exec')],
        ...['--pidfile', join(this.#workDir, 'pid'), '--host', this.#host],
        ...(namespace === undefined ? NO_NETWORK : []),
      ],
      { logFile: log },
    );
    this.#daemon = daemon;
    await eventually('the engine answers', 900_000, () => {
      if (daemon.exitCode !== null)
        throw new Error(`dockerd ended: ${lastWords(existsSync(log) ? readFileSync(log, 'utf8') : '')}`);
      return existsSync(join(this.#workDir, 'docker.sock')) && this.#try('docker', 'version').status === 0;
    });
  }

  /** What removes, once nobody else has them, the images that an engine has left which was killed. */
  #emptied(): string[] {
    return this.#data.endsWith('-empty') ? ['sh', '-c', 'rm -rf "$0" && exec "$@"', this.#data] : [];
  }

  get #host(): string {
    return `unix://${join(this.#workDir, 'docker.sock')}`;
  }

  /** The environment in which `docker` and Compose speak to this engine. */
  get env(): NodeJS.ProcessEnv {
    return { ...process.env, DOCKER_HOST: this.#host, COMPOSE_PROJECT_NAME: 'bty' };
  }

  #try(program: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(program, args, { encoding: 'utf8', maxBuffer: 256 << 20, env: this.env });
  }

  #run(program: string, ...args: string[]): string {
    const { status, stdout, stderr } = this.#try(program, ...args);
    if (status !== 0)
      throw new Error(`${program} ${args.join(' ')}: exit ${status}: ${`${stdout}${stderr}`.slice(-3_000)}`);
    return stdout;
  }

  /** Runs `docker` to its end and returns what it printed; throws when it fails. */
  docker(...args: string[]): string {
    return this.#run('docker', ...args);
  }

  /** What a container has said since a time, ISO 8601, on either of its outputs; when is before each line. */
  logs(id: string, since: string): string {
    const { stdout, stderr } = this.#try('docker', 'logs', '--timestamps', '--since', since, id);
    return `${stdout}${stderr}`;
  }

  /** Runs Compose in a folder, as the documentation has it; throws when it fails. */
  compose(folder: string, ...args: string[]): string {
    const [program = '', ...first] = this.#compose;
    return this.#run('env', '--chdir', folder, program, ...first, ...args);
  }

  /** The services that each Compose of this host reads in a folder's files. */
  services(folder: string): Record<string, string[]> {
    const read = (compose: string[]): string => this.#run('env', '--chdir', folder, ...compose, 'config', '--services');
    return Object.fromEntries(
      this.#composes.map((compose) => [compose.join(' '), read(compose).trim().split('\n').sort()]),
    );
  }

  /** The same, for what takes minutes; its words are kept for when it fails. */
  async composeSlowly(folder: string, ...args: string[]): Promise<void> {
    const [program = '', ...first] = this.#compose;
    await promisify(execFile)(program, [...first, ...args], { cwd: folder, env: this.env, maxBuffer: 256 << 20 });
  }

  /** Runs a shell's words in a folder and a network, with this engine, and Compose by its newer name whichever it is. */
  shell(folder: string, words: string, namespace: string): string {
    const compose = this.#compose.join(' ');
    const either = `docker() { if [ "$1" = compose ]; then shift; command ${compose} "$@"; else command docker "$@"; fi; }`;
    const place = [`--net=/run/netns/${namespace}`, `--wd=${folder}`];
    return this.#run('nsenter', ...place, '--', 'sh', '-euc', `${either}\n${words}`);
  }

  get versions(): string {
    const compose = this.compose('/', 'version', '--short').trim();
    return `Docker ${this.docker('version', '--format', '{{.Server.Version}}').trim()}, ${this.#compose.join(' ')} ${compose}`;
  }

  async stop(): Promise<void> {
    if (this.#daemon) await stop(this.#daemon, 'SIGTERM', 60_000);
    // It leaves the namespace of its network mounted.
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '');
    for (const place of mounts.filter((at) => at.startsWith(`${this.#workDir}/`)).reverse()) run('umount', place);
    rmSync(this.#workDir, { recursive: true, force: true });
    if (this.#data.endsWith('-empty')) rmSync(this.#data, { recursive: true, force: true });
  }
}
