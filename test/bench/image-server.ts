import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Api, type ImageRecord } from '../lab/api.ts';
import { eventually, start, stop } from '../lab/process.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const SERVER = join(REPOSITORY, 'apps/server/bty-server');
const PREPARE_TIMEOUT_MS = 300_000;
/** Asking more often would take the processor from what is measured. */
const POLL_MS = 50;

/** bty's server with an empty state below `workDir`, on its embedded default. */
export class ImageServer {
  readonly stateDir: string;
  readonly #process: ChildProcess;
  readonly #port: number;
  #api: Api | undefined;

  constructor(workDir: string, port: number) {
    this.#port = port;
    this.stateDir = join(workDir, 'state');
    mkdirSync(this.stateDir);
    // its Postgres runs under a uid of its own
    chmodSync(workDir, 0o755);
    this.#process = start([SERVER], {
      logFile: join(workDir, 'server.log'),
      env: {
        PATH: process.env['PATH'],
        BTY_STATE_DIR: this.stateDir,
        BTY_BOOT_DIR: workDir,
        BTY_HTTP_HOST: '0.0.0.0',
        BTY_HTTP_PORT: String(port),
      },
    });
  }

  url(address: string): string {
    return `http://${address}:${this.#port}`;
  }

  async ready(): Promise<void> {
    const tokenFile = join(this.stateDir, 'admin-token');
    await eventually('the server has an admin token', 60_000, () => {
      if (this.#process.exitCode !== null) throw new Error('the server ended; its log says why');
      return existsSync(tokenFile);
    });
    this.#api = new Api(this.url('127.0.0.1'), readFileSync(tokenFile, 'utf8').trim());
    await eventually('the server answers', 30_000, async () => {
      try {
        // not /readyz, which also wants a live env: nothing boots here
        await this.api.call('GET', '/images');
        return true;
      } catch {
        return false; // a part is still on its way up
      }
    });
  }

  get api(): Api {
    if (this.#api === undefined) throw new Error('the server is not ready');
    return this.#api;
  }

  /** Uploads an image; returns the seconds from the end of the upload until it could be flashed, and its record. */
  async prepare(name: string, file: string): Promise<{ seconds: number; image: ImageRecord }> {
    await this.api.uploadImage(name, file);
    const began = performance.now();
    const image = await eventually(
      `${name} is ready`,
      PREPARE_TIMEOUT_MS,
      async () => {
        const record = await this.api.image(name);
        if (record.state === 'failed' || record.state === 'unsupported') {
          throw new Error(`${name} is ${record.state}: ${record.error?.message}`);
        }
        return record.state === 'ready' && record;
      },
      POLL_MS,
    );
    return { seconds: (performance.now() - began) / 1000, image };
  }

  async stop(): Promise<void> {
    await stop(this.#process);
  }
}
