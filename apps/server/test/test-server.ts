import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { closeApp, createApp } from '../src/app.js';
import { AdminTokenService } from '../src/auth/index.js';
import { type Config, parseConfig } from '../src/config/index.js';
import type { SocketTarget } from '../src/db/database-target.js';
import { TlsListener } from '../src/tls-listener.js';
import { closeWorker, createWorker } from '../src/worker.js';
import { queueSettings } from './queue-settings.js';
import { ServerUnderTest } from './server-under-test.js';
import { createDatabase } from './test-database.js';

/** The whole server in this process, on a database and directories of its own, listening on a free port. */
export class TestServer extends ServerUnderTest {
  private constructor(
    readonly config: Config,
    readonly database: SocketTarget,
    readonly token: string,
    readonly port: number,
    private readonly app: NestExpressApplication,
    readonly tls: TlsListener | undefined,
    private readonly discard: () => Promise<void>,
  ) {
    super();
  }

  static async start(settings: Record<string, string> = {}): Promise<TestServer> {
    const { target, drop } = await createDatabase();
    const stateDir = mkdtempSync(join(tmpdir(), 'bty-test-'));
    const own = { BTY_STATE_DIR: stateDir, BTY_HTTP_HOST: '127.0.0.1', ...(await queueSettings()) };
    const config = parseConfig({ ...own, ...settings });
    mkdirSync(config.bootDir);
    writeFileSync(join(config.bootDir, 'vmlinuz'), 'kernel');
    writeFileSync(join(config.bootDir, 'base.initrd'), 'initrd');
    const discard = async () => {
      await drop();
      rmSync(stateDir, { recursive: true, force: true });
    };
    return TestServer.open(config, target, discard);
  }

  private static async open(
    config: Config,
    target: SocketTarget,
    discard: () => Promise<void>,
    known?: string,
  ): Promise<TestServer> {
    const app = await createApp(config, target);
    app.useLogger(false);
    const admin = app.get(AdminTokenService, { strict: false });
    const token = known ?? (await admin.ensure()) ?? (await admin.renew());
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const tls = config.tls === undefined ? undefined : await TlsListener.start(app, config.tls, '127.0.0.1');
    return new TestServer(config, target, token, port, app, tls, discard);
  }

  /** Stops this server and starts another on the same database and directories. */
  async restart(): Promise<TestServer> {
    await closeApp(this.app);
    return TestServer.open(this.config, this.database, this.discard);
  }

  /** Starts a second server beside this one, on the same database, queues and directories. */
  async twin(): Promise<TestServer> {
    return TestServer.open(this.config, this.database, async () => undefined, this.token);
  }

  /** Starts a worker beside this server, on the same database, queues and directories. */
  async worker(): Promise<{ stop(): Promise<void> }> {
    const worker = await createWorker(this.config, this.database);
    worker.useLogger(false);
    return { stop: () => closeWorker(worker) };
  }

  async stop(): Promise<void> {
    await this.tls?.close();
    await closeApp(this.app);
    await this.discard();
  }
}
