import 'reflect-metadata';
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { closeApp, createApp } from './app.js';
import { AdminTokenService } from './auth/index.js';
import { type Config, readConfig, SettingError } from './config/index.js';
import { type DatabaseTarget, EmbeddedPostgres } from './db/index.js';

const STOP_TIMEOUT_MS = 9_000;

function say(message: string): void {
  process.stderr.write(`bty: ${message}\n`);
}

async function startDatabase(config: Config): Promise<{ postgres?: EmbeddedPostgres; target: DatabaseTarget }> {
  if (config.databaseUrl !== undefined) return { target: { url: config.databaseUrl } };
  const postgres = await EmbeddedPostgres.start(config.stateDir, { warn: say });
  return { postgres, target: postgres.target };
}

function showToken(service: AdminTokenService, token: string | undefined): void {
  if (token === undefined) say(`the admin token is in ${service.file}`);
  else say(`new admin token: ${token}\nbty: it is not shown again; it is kept in ${service.file}`);
}

function stopOnSignal(app: NestExpressApplication, postgres: EmbeddedPostgres | undefined): void {
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    say(`${signal}: stopping`);
    setTimeout(() => {
      say('stopping took too long');
      process.exit(1);
    }, STOP_TIMEOUT_MS).unref();
    closeApp(app)
      .then(() => postgres?.stop())
      .then(() => process.exit(0))
      .catch((error: unknown) => {
        say(`stopping failed: ${String(error)}`);
        process.exit(1);
      });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

async function main(): Promise<void> {
  const { config, warnings } = readConfig();
  for (const warning of warnings) say(warning);
  mkdirSync(config.stateDir, { recursive: true });
  const { postgres, target } = await startDatabase(config);
  const app = await createApp(config, target);
  const admin = app.get(AdminTokenService, { strict: false });
  if (process.argv.includes('--new-admin-token')) {
    await app.init();
    showToken(admin, await admin.renew());
    await closeApp(app);
    await postgres?.stop();
    process.exit(0);
  }
  showToken(admin, await admin.ensure());
  stopOnSignal(app, postgres);
  await (config.httpHost === undefined ? app.listen(config.httpPort) : app.listen(config.httpPort, config.httpHost));
  const { port } = app.getHttpServer().address() as AddressInfo;
  say(`bty ${config.version} listens on port ${port}; its API is described at http://localhost:${port}/docs`);
}

main().catch((error: unknown) => {
  say(error instanceof SettingError ? error.message : String(error instanceof Error ? error.stack : error));
  process.exit(1);
});
