import 'reflect-metadata';
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { closeApp, createApp } from './app.js';
import { AdminTokenService } from './auth/index.js';
import { type Config, readConfig, SettingError } from './config/index.js';
import { type DatabaseTarget, EmbeddedPostgres, embeddedTarget } from './db/index.js';
import { TlsListener } from './tls-listener.js';
import { closeWorker, createWorker } from './worker.js';
import { WorkerProcess } from './worker-process.js';

const STOP_TIMEOUT_MS = 9_000;

function say(message: string): void {
  process.stderr.write(`bty: ${message}\n`);
}

async function startDatabase(config: Config): Promise<{ postgres?: EmbeddedPostgres; target: DatabaseTarget }> {
  if (config.databaseUrl !== undefined) return { target: { url: config.databaseUrl } };
  const postgres = await EmbeddedPostgres.start(config.stateDir, { warn: say });
  return { postgres, target: postgres.target };
}

async function showToken(service: AdminTokenService, token: string | undefined): Promise<void> {
  if (token === undefined) {
    const revoked = 'the admin token was revoked; --new-admin-token makes another';
    say((await service.isValid()) ? `the admin token is in ${service.file}` : revoked);
  } else say(`new admin token: ${token}\nbty: it is not shown again; it is kept in ${service.file}`);
}

/** Runs `steps` one after the other at the first signal to stop, or when `stop` is called, and ends the process. */
function stopOnSignal(steps: readonly (() => Promise<void> | undefined)[]): (why: string) => void {
  let stopping = false;
  const stop = (why: string) => {
    if (stopping) return;
    stopping = true;
    say(`${why}: stopping`);
    setTimeout(() => {
      say('stopping took too long');
      process.exit(1);
    }, STOP_TIMEOUT_MS).unref();
    const all = async () => {
      for (const step of steps) await step();
    };
    all()
      .then(() => process.exit(0))
      .catch((error: unknown) => {
        say(`stopping failed: ${String(error)}`);
        process.exit(1);
      });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return stop;
}

/** Another process of this program as the worker, with the same settings. */
function startWorkerProcess(): WorkerProcess {
  const args = [...process.execArgv, ...process.argv.slice(1, 2), '--worker'];
  const worker = new WorkerProcess(args, process.env, say);
  worker.start();
  return worker;
}

async function serve(config: Config): Promise<void> {
  const { postgres, target } = await startDatabase(config);
  const app = await createApp(config, target);
  const admin = app.get(AdminTokenService, { strict: false });
  if (process.argv.includes('--new-admin-token')) {
    await app.init();
    await showToken(admin, await admin.renew());
    await closeApp(app);
    await postgres?.stop();
    process.exit(0);
  }
  await showToken(admin, await admin.ensure());
  let worker: WorkerProcess | undefined;
  let tls: TlsListener | undefined;
  stopOnSignal([() => worker?.stop(), () => tls?.close(), () => closeApp(app), () => postgres?.stop()]);
  await (config.httpHost === undefined ? app.listen(config.httpPort) : app.listen(config.httpPort, config.httpHost));
  if (config.tls !== undefined) {
    tls = await TlsListener.start(app, config.tls, config.httpHost);
    say(`credentials are taken over TLS only, on port ${tls.port}`);
  }
  const { port } = app.getHttpServer().address() as AddressInfo;
  say(`bty ${config.version} listens on port ${port}; its API is described at http://localhost:${port}/docs`);
  if (config.role === 'all') worker = startWorkerProcess();
}

async function work(config: Config): Promise<void> {
  const target = config.databaseUrl === undefined ? embeddedTarget(config.stateDir) : { url: config.databaseUrl };
  const worker = await createWorker(config, target);
  const stop = stopOnSignal([() => closeWorker(worker)]);
  // The server that has started this worker is gone, and its Postgres with it.
  process.once('disconnect', () => stop('the server has ended'));
  say(`a worker of bty ${config.version} waits for runs`);
}

async function main(): Promise<void> {
  const { config, warnings } = readConfig();
  for (const warning of warnings) say(warning);
  mkdirSync(config.stateDir, { recursive: true });
  await (config.role === 'worker' || process.argv.includes('--worker') ? work(config) : serve(config));
}

main().catch((error: unknown) => {
  say(error instanceof SettingError ? error.message : String(error instanceof Error ? error.stack : error));
  process.exit(1);
});
