import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putImage } from '../../apps/server/test/image-steps.js';
import { TestServer } from '../../apps/server/test/test-server.js';

const ROOT = join(import.meta.dirname, '../..');
const COMMAND = join(ROOT, 'dist/schemathesis/bin/schemathesis');
const CONFIG = join(import.meta.dirname, 'schemathesis.toml');
const SECONDS = 45;
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
  'negative_data_rejection',
  'unsupported_method',
];
/** What would take the token away, never ends, waits for a worker that is not there, or is an archive of an agent. */
const LEFT_OUT = '^/tokens|^/auth/|^/events/|/log$|^/workflows/\\{name\\}$|^/flash-jobs/\\{id\\}/report$';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  // the examples of the document name these
  await putImage(server, 'debian-13.img', Buffer.alloc(512, 1));
  await server.put('/machines/52:54:00:00:00:01', { image: 'debian-13.img' });
});

afterAll(() => server.stop());

async function run(command: string, args: readonly string[], cwd: string): Promise<{ code: number; output: string }> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

describe('docs/openapi.json', () => {
  it('is what a live server does, whatever schemathesis asks of it', { timeout: 180_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bty-schemathesis-'));
    const document = join(ROOT, 'docs/openapi.json');
    const chosen = [
      '--exclude-path-regex',
      LEFT_OUT,
      '--checks',
      CHECKS.join(','),
      '--phases',
      'examples,coverage,fuzzing',
    ];
    const bounds = ['--max-time', String(SECONDS), '--seed', '1', '--max-examples', '10', '--no-shrink'];
    const access = ['--url', server.url, '--header', `Authorization: Bearer ${server.token}`];
    const { code, output } = await run(
      COMMAND,
      [
        '--config-file',
        CONFIG,
        'run',
        document,
        ...access,
        ...chosen,
        ...bounds,
        '--continue-on-failure',
        '--warnings',
        'off',
      ],
      folder,
    );
    rmSync(folder, { recursive: true, force: true });
    const [, tested] = /Tested: (\d+)/.exec(output) ?? [];
    expect([code, Number(tested) > 40], output).toEqual([0, true]);
    expect((await server.ask('/machines')).status).toBe(200);
  });
});
