import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { closeApp, createApp } from '../src/app.js';
import { AdminTokenService } from '../src/auth/index.js';
import { type Config, parseConfig } from '../src/config/index.js';
import type { SocketTarget } from '../src/db/database-target.js';
import { createDatabase } from './test-database.js';

/** What a request of a test says; a body that is no text or bytes is sent as JSON. */
export interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** Send no token. */
  readonly anonymous?: boolean;
}

/** The answer to a request. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly json: any;
}

/** The whole server in this process, on a database and directories of its own, listening on a free port. */
export class TestServer {
  private constructor(
    readonly config: Config,
    readonly database: SocketTarget,
    readonly token: string,
    readonly port: number,
    private readonly app: NestExpressApplication,
    private readonly discard: () => Promise<void>,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<TestServer> {
    const { target, drop } = await createDatabase();
    const stateDir = mkdtempSync(join(tmpdir(), 'bty-test-'));
    const config = parseConfig({ BTY_STATE_DIR: stateDir, BTY_HTTP_HOST: '127.0.0.1', ...settings });
    mkdirSync(config.bootDir);
    writeFileSync(join(config.bootDir, 'vmlinuz'), 'kernel');
    writeFileSync(join(config.bootDir, 'base.initrd'), 'initrd');
    const discard = async () => {
      await drop();
      rmSync(stateDir, { recursive: true, force: true });
    };
    return TestServer.open(config, target, discard);
  }

  private static async open(config: Config, target: SocketTarget, discard: () => Promise<void>): Promise<TestServer> {
    const app = await createApp(config, target);
    app.useLogger(false);
    const admin = app.get(AdminTokenService, { strict: false });
    const token = (await admin.ensure()) ?? (await admin.renew());
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    return new TestServer(config, target, token, port, app, discard);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async ask(path: string, ask: Ask = {}): Promise<Answer> {
    const raw = typeof ask.body === 'string' || ask.body instanceof Uint8Array || ask.body === undefined;
    const response = await fetch(`${this.url}${path}`, {
      method: ask.method ?? 'GET',
      headers: {
        ...(ask.anonymous ? {} : { Authorization: `Bearer ${this.token}` }),
        ...(raw ? {} : { 'Content-Type': 'application/json' }),
        ...ask.headers,
      },
      ...(ask.body === undefined ? {} : { body: raw ? (ask.body as string) : JSON.stringify(ask.body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  }

  async put(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask(path, { method: 'PUT', body, headers });
  }

  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask(path, { method: 'POST', body, headers });
  }

  /** Stops this server and starts another on the same database and directories. */
  async restart(): Promise<TestServer> {
    await closeApp(this.app);
    return TestServer.open(this.config, this.database, this.discard);
  }

  async stop(): Promise<void> {
    await closeApp(this.app);
    await this.discard();
  }
}
