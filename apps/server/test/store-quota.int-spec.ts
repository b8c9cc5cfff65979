import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { imageIn, putImage } from './image-steps.js';
import { TestServer } from './test-server.js';

const MIB = 1024 * 1024;
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ BTY_STORE_QUOTA_BYTES: String(10 * MIB) });
});

afterAll(() => server.stop());

it('keeps the quota over images and packs together, says so, and goes on when there is room', async () => {
  // noise: its pack is as large as it is
  await putImage(server, 'small.img', randomBytes(2 * MIB));
  const refused = await server.put('/images/large.img', randomBytes(7 * MIB));
  expect([refused.status, refused.json.code]).toEqual([507, 'STORAGE_FULL']);
  expect(refused.json.details.room_bytes).toBeLessThan(6 * MIB + 1);

  expect((await server.put('/images/medium.img', randomBytes(4 * MIB))).status).toBe(201);
  const medium = await imageIn(server, 'medium.img', 'failed');
  expect(medium.error).toMatchObject({
    code: 'STORAGE_FULL',
    message: expect.stringContaining('no room for the pack'),
  });
  expect(readdirSync(join(server.config.stateDir, 'packs')).filter((name) => name.startsWith('.'))).toEqual([]);

  expect((await server.ask('/images/small.img', { method: 'DELETE' })).status).toBe(204);
  await imageIn(server, 'medium.img', 'ready');
});
