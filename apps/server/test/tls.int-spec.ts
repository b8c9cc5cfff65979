import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AGENT_SUBPROTOCOL } from '@bty/wire-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TestServer } from './test-server.js';

const folder = mkdtempSync(join(tmpdir(), 'bty-tls-'));
const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
const PASSWORD = 'correct horse battery';
let server: TestServer;

function makeCertificate(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, '-days', '1', ...subject], { stdio: 'ignore' });
}

/** What a client of this name's certificate gets. */
async function overTls(path: string, name: string, options: RequestOptions = {}, body?: string) {
  const where = { host: '127.0.0.1', port: server.tls?.port, servername: name, ca: readFileSync(certFile) };
  return new Promise<{ status: number | undefined; cookie: string; text: string }>((resolve, reject) => {
    const asked = request({ ...where, path, agent: false, ...options }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () =>
        resolve({ status: response.statusCode, cookie: String(response.headers['set-cookie']), text }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

beforeAll(async () => {
  makeCertificate('one.lab.example');
  const settings = { BTY_TLS_CERT: certFile, BTY_TLS_KEY: keyFile, BTY_HTTPS_PORT: '0', BTY_ADMIN_PASSWORD: PASSWORD };
  server = await TestServer.start(settings);
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

describe('with a certificate', () => {
  it('credentials are taken over TLS, and the cookie of a login is for TLS only', async () => {
    const headers = { Authorization: `Bearer ${server.token}` };
    expect((await overTls('/machines', 'one.lab.example', { headers })).status).toBe(200);
    expect((await overTls('/machines', 'one.lab.example')).status).toBe(401);
    const json = { method: 'POST', headers: { 'Content-Type': 'application/json' } };
    const login = JSON.stringify({ username: 'admin', password: PASSWORD });
    const answer = await overTls('/auth/login', 'one.lab.example', json, login);
    expect([answer.status, answer.cookie]).toEqual([200, expect.stringMatching(/; Secure; SameSite=Strict$/)]);
  });

  it('the plain port serves machines, and takes no credentials', async () => {
    expect((await server.ask('/machines')).json).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect((await server.post('/auth/login', { username: 'admin', password: PASSWORD })).status).toBe(403);
    const script = await server.ask('/pxe/52:54:00:00:00:01', { anonymous: true });
    expect([script.status, script.text.includes(`http://127.0.0.1:${server.port}/`)]).toEqual([200, true]);
  });

  it('agents reach their socket over TLS, too', async () => {
    const url = `wss://127.0.0.1:${server.tls?.port}/agent`;
    const socket = new WebSocket(url, AGENT_SUBPROTOCOL, { ca: readFileSync(certFile) });
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
    socket.send('{"type":"nonsense"}');
    expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(4400);
  });

  it('a renewed one is taken over without a restart; one that does not fit is not', async () => {
    const old = readFileSync(certFile);
    makeCertificate('two.lab.example');
    server.tls?.renew();
    expect((await overTls('/healthz', 'two.lab.example')).status).toBe(200);
    const renewed = readFileSync(certFile);
    writeFileSync(certFile, old);
    server.tls?.renew();
    writeFileSync(certFile, renewed);
    expect((await overTls('/healthz', 'two.lab.example')).status).toBe(200);
  });
});
