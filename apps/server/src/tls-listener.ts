import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AgentsGateway } from './agents/index.js';
import type { TlsSettings } from './config/index.js';
import { tuneServer } from './tune-server.js';

/** A renewed certificate is taken over within this time. */
const LOOK_INTERVAL_MS = 30_000;

function readPair({ certFile, keyFile }: TlsSettings): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}

/** The second ear of the server: everything that it serves, over TLS. */
export class TlsListener {
  private constructor(
    private readonly server: Server,
    private readonly settings: TlsSettings,
  ) {}

  /** Listens. Throws when certificate and key cannot be read, or are not a pair. */
  static async start(app: NestExpressApplication, settings: TlsSettings, host?: string): Promise<TlsListener> {
    const server = createServer({ ...readPair(settings), minVersion: 'TLSv1.2' }, app.getHttpAdapter().getInstance());
    tuneServer(server);
    app.get(AgentsGateway, { strict: false }).attach(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: settings.port, host }, resolve);
    });
    const listener = new TlsListener(server, settings);
    for (const file of [settings.certFile, settings.keyFile]) {
      watchFile(file, { interval: LOOK_INTERVAL_MS, persistent: false }, () => listener.renew());
    }
    return listener;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Takes over the certificate that is in the files now; a pair that does not fit leaves the old one. */
  renew(): void {
    const log = new Logger('Tls');
    try {
      this.server.setSecureContext({ ...readPair(this.settings), minVersion: 'TLSv1.2' });
      log.log('the certificate was read again');
    } catch (error) {
      log.warn(`the new certificate cannot be taken: ${(error as Error).message}`);
    }
  }

  /** Takes no more connections, and cuts those that are open but agents' sockets, which are told to come back. */
  async close(): Promise<void> {
    for (const file of [this.settings.certFile, this.settings.keyFile]) unwatchFile(file);
    this.server.close();
    this.server.closeAllConnections();
  }
}
