import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Express, Response } from 'express';
import { describe, expect, it } from 'vitest';
import { sendLog } from './send-log.js';

const IDLE_TIMEOUT_MS = 100;

async function* halting(): AsyncGenerator<string> {
  yield 'begun\n';
  await sleep(5 * IDLE_TIMEOUT_MS);
  yield 'done\n';
}

describe('a log that is followed', () => {
  it('goes on after a silence that is longer than the server lets a connection be silent', async () => {
    const app = new ExpressAdapter().getInstance<Express>();
    const server = app
      .get('/log', (_request: unknown, response: Response) => void sendLog(response, halting))
      .listen(0, '127.0.0.1');
    server.timeout = IDLE_TIMEOUT_MS;
    try {
      await once(server, 'listening');
      const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/log`);
      expect(await answer.text()).toBe('begun\ndone\n');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
