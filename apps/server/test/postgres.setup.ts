import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { EmbeddedPostgres } from '../src/db/embedded-postgres.js';

declare module 'vitest' {
  export interface ProvidedContext {
    postgresSocketDir: string;
  }
}

/** One real Postgres for all integration tests; each file makes databases of its own in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stateDir = mkdtempSync(join(tmpdir(), 'bty-test-pg-'));
  chmodSync(stateDir, 0o755);
  const fast = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=200'];
  const postgres = await EmbeddedPostgres.start(stateDir, {
    extraArgs: fast.flatMap((setting) => ['-c', setting]),
    warn: (message) => process.stderr.write(`${message}\n`),
  });
  project.provide('postgresSocketDir', postgres.target.socketDir);
  return async () => {
    await postgres.stop();
    rmSync(stateDir, { recursive: true, force: true });
  };
}
