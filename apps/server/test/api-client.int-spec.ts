import { type ApiError, type BtyApi, createApi, dataOf } from '@bty/api-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putImage } from './image-steps.js';
import { TestServer } from './test-server.js';

const MAC = '52:54:00:ca:00:01';
let server: TestServer;
let api: BtyApi;

beforeAll(async () => {
  server = await TestServer.start();
  api = createApi({ url: `${server.url}/`, token: server.token });
  await putImage(server, 'debian.img', Buffer.alloc(512, 1));
});

afterAll(() => server.stop());

describe('the client that is made from openapi.json', () => {
  it('makes a record, changes it, lists it and flashes the machine', async () => {
    const path = { mac: MAC };
    const made = dataOf(await api.PUT('/machines/{mac}', { params: { path }, body: { image: 'debian.img' } }));
    expect([made.mac, made.boot_policy]).toEqual([MAC, 'local']);
    const patched = dataOf(
      await api.PATCH('/machines/{mac}', { params: { path }, body: { tags: ['rack-1'], boot_policy: 'flash' } }),
    );
    expect(patched).toMatchObject({ image: 'debian.img', tags: ['rack-1'], boot_policy: 'flash' });
    const found = dataOf(await api.GET('/machines', { params: { query: { tag: ['rack-1'], sort: '-mac' } } }));
    expect(found.map(({ mac }) => mac)).toEqual([MAC]);
    const job = dataOf(await api.POST('/flash-jobs', { body: { mac: MAC } }));
    const id = 'id' in job ? job.id : '';
    expect(dataOf(await api.GET('/flash-jobs/{id}', { params: { path: { id } } })).state).toBe('queued');
  });

  it('throws what the server says about a request that it refuses', async () => {
    const other = createApi({ url: server.url });
    const error = await other
      .GET('/machines')
      .then(dataOf)
      .catch((thrown: ApiError) => thrown);
    expect(error).toMatchObject({ name: 'ApiError', status: 401, problem: { code: 'UNAUTHENTICATED' } });
    expect(dataOf(await other.GET('/healthz'))).toEqual({ status: 'ok' });
  });
});
