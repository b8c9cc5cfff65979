import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { SocketTarget } from './database-target.js';
import { settleLeftover } from './leftover-postgres.js';
import { postgresAccount, spawnPostgres } from './postgres-account.js';
import { postgresBinaries } from './postgres-binaries.js';
import { makeOwnDirectory, socketDirFor } from './postgres-directories.js';

const SUPERUSER = 'bty';
const DATABASE = 'bty';
const START_TIMEOUT_MS = 30_000;
const RESTART_PAUSE_MS = 500;
// Small, and without the processes that only replication and heavy reading need.
const SETTINGS = [
  'listen_addresses=',
  'unix_socket_permissions=0700',
  'max_connections=60',
  'shared_buffers=32MB',
  'io_method=sync',
  'wal_level=minimal',
  'max_wal_senders=0',
  'max_logical_replication_workers=0',
];

/** Where the bundled Postgres of a state directory is, for whoever uses it while another process runs it. */
export function embeddedTarget(stateDir: string): SocketTarget {
  return { socketDir: socketDirFor(stateDir), user: SUPERUSER, database: DATABASE };
}

/**
 * The bundled Postgres: a real one, on a Unix socket that only this account reaches, with its data below the state
 * directory. It stops with this process, and is started again when it dies by itself.
 */
export class EmbeddedPostgres {
  private readonly dataDir: string;
  private readonly socketDir: string;
  private child: ChildProcess | undefined;
  private stopping = false;

  private constructor(
    private readonly stateDir: string,
    private readonly extraArgs: readonly string[],
    private readonly warn: (message: string) => void,
  ) {
    this.dataDir = join(stateDir, 'postgres');
    this.socketDir = socketDirFor(stateDir);
  }

  /** Creates the data on the first start, starts Postgres and waits until it answers. `extraArgs` go to `postgres`. */
  static async start(
    stateDir: string,
    options: { extraArgs?: readonly string[]; warn: (message: string) => void },
  ): Promise<EmbeddedPostgres> {
    const postgres = new EmbeddedPostgres(stateDir, options.extraArgs ?? [], options.warn);
    await postgres.initialise();
    await settleLeftover(postgres.dataDir);
    await postgres.launch();
    await postgres.createDatabase();
    return postgres;
  }

  get target(): SocketTarget {
    return embeddedTarget(this.stateDir);
  }

  /** Process id of the postmaster while it runs. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Ends every session and stops; resolves when the process is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    await exited;
  }

  private async initialise(): Promise<void> {
    if (existsSync(join(this.dataDir, 'PG_VERSION'))) return;
    // initdb works in a directory of its own that gets its name when it is whole: a start that was cut off leaves no half.
    const fresh = `${this.dataDir}.new`;
    rmSync(fresh, { recursive: true, force: true });
    const account = postgresAccount(this.dataDir);
    makeOwnDirectory(fresh, account);
    const args = [
      '-D',
      fresh,
      '-U',
      SUPERUSER,
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale-provider=builtin',
      '--locale=C.UTF-8',
    ];
    const child = spawnPostgres(account, postgresBinaries().initdb, args, [fresh], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout?.on('data', (part: Buffer) => (output += part.toString()));
    child.stderr?.on('data', (part: Buffer) => (output += part.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`initdb failed (${code}): ${output.trim()}`);
    renameSync(fresh, this.dataDir);
  }

  private async launch(): Promise<void> {
    const account = postgresAccount(this.dataDir);
    makeOwnDirectory(this.socketDir, account);
    const args = ['-D', this.dataDir, '-k', this.socketDir, ...SETTINGS.flatMap((setting) => ['-c', setting])];
    const log = openSync(join(this.stateDir, 'postgres.log'), 'a', 0o600);
    try {
      this.child = spawnPostgres(
        account,
        postgresBinaries().postgres,
        [...args, ...this.extraArgs],
        [this.dataDir, this.socketDir],
        { stdio: ['ignore', log, log] },
      );
    } finally {
      closeSync(log);
    }
    const { child } = this;
    child.once('error', (error) => this.warn(`Postgres cannot be started: ${error.message}`));
    await this.untilItAnswers(child);
    child.once('exit', (code, signal) => void this.restart(signal ?? String(code)));
  }

  private async restart(how: string): Promise<void> {
    while (!this.stopping) {
      this.warn(`Postgres ended by itself (${how}); starting it again`);
      await sleep(RESTART_PAUSE_MS);
      if (this.stopping) return;
      try {
        await settleLeftover(this.dataDir);
        await this.launch();
        return;
      } catch (error) {
        how = (error as Error).message;
      }
    }
  }

  private async untilItAnswers(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
        throw new Error(`Postgres did not start: ${lastLines(join(this.stateDir, 'postgres.log'))}`);
      }
      try {
        await withClient({ ...this.target, database: 'postgres' }, (client) => client.query('SELECT 1'));
        return;
      } catch (error) {
        if (Date.now() > deadline) throw new Error('Postgres does not answer', { cause: error });
        await sleep(20);
      }
    }
  }

  private async createDatabase(): Promise<void> {
    await withClient({ ...this.target, database: 'postgres' }, async (client) => {
      const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
      if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
    });
  }
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-5).join(' | ');
}

async function withClient<T>(target: SocketTarget, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ host: target.socketDir, user: target.user, database: target.database });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
