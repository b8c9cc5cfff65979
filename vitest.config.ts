import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

/** What boots virtual machines: two at a time, for the host has two processors. */
const stories = (name: string, files: string): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include: [files],
    globalSetup: ['test/e2e/stories.setup.ts'],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});

/** The containers of deploy/, in an engine of the tests' own, which has its images one at a time. */
const deployed = (name: string, files: string): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include: [files],
    globalSetup: ['test/deploy/deploy.setup.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
    fileParallelism: false,
  },
});

/** Servers and agents under test wait for each other most of the time: more of them than processors. */
const WAITING_WORKERS = 3;

/** For one test or hook: what takes two seconds alone takes many beside other work. Tests say themselves what has to be fast. */
const TEST_TIMEOUT_MS = 45_000;

/** Threads that a test starts run the sources, too. */
const SOURCE_THREADS = ['--import', `${import.meta.dirname}/test/typescript/register.ts`];

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{apps,libs}/**/src/**/*.spec.ts', 'test/**/*.spec.ts', 'script/**/*.spec.ts'],
          setupFiles: ['apps/agent/test/no-real-machine.setup.ts'],
          maxWorkers: WAITING_WORKERS,
          // property tests take seconds, and more on a busy machine
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['{apps,libs}/*/test/**/*.int-spec.ts'],
          globalSetup: ['apps/server/test/postgres.setup.ts', 'apps/agent/test/built-agent.ts'],
          execArgv: SOURCE_THREADS,
          maxWorkers: WAITING_WORKERS,
          testTimeout: TEST_TIMEOUT_MS,
          hookTimeout: TEST_TIMEOUT_MS,
        },
      },
      {
        // whole servers, workers, agents and commands, and what waits for a queue (in Postgres here)
        extends: true,
        test: {
          name: 'processes',
          include: [
            'apps/*/test/**/*.process-spec.ts',
            'test/pair/*.process-spec.ts',
            'apps/server/test/**/*.queue-spec.ts',
          ],
          globalSetup: ['apps/server/test/postgres.setup.ts', 'apps/agent/test/built-agent.ts'],
          execArgv: SOURCE_THREADS,
          maxWorkers: WAITING_WORKERS,
          testTimeout: TEST_TIMEOUT_MS,
          hookTimeout: TEST_TIMEOUT_MS,
        },
      },
      {
        // what needs a queue, with the queues in Redis
        extends: true,
        test: {
          name: 'redis',
          include: ['apps/server/test/**/*.queue-spec.ts'],
          globalSetup: ['apps/server/test/postgres.setup.ts', 'apps/server/test/redis.setup.ts'],
          execArgv: SOURCE_THREADS,
          maxWorkers: WAITING_WORKERS,
          testTimeout: TEST_TIMEOUT_MS,
          hookTimeout: TEST_TIMEOUT_MS,
        },
      },
      {
        // cijoe: whole runs, each of which takes seconds
        extends: true,
        test: {
          name: 'workflows',
          include: ['apps/*/test/**/*.workflow-spec.ts'],
          globalSetup: ['apps/server/test/postgres.setup.ts'],
          execArgv: SOURCE_THREADS,
          maxWorkers: 2,
          testTimeout: TEST_TIMEOUT_MS,
          hookTimeout: TEST_TIMEOUT_MS,
        },
      },
      {
        // the API as its document has it, asked at random for a while
        extends: true,
        test: {
          name: 'random',
          include: ['test/schemathesis/*.random-spec.ts'],
          globalSetup: ['apps/server/test/postgres.setup.ts'],
          execArgv: SOURCE_THREADS,
          hookTimeout: TEST_TIMEOUT_MS,
        },
      },
      {
        // things done to a server, its Postgres and its Redis, each of which takes seconds to get over
        extends: true,
        test: {
          name: 'faults',
          include: ['test/faults/*.fault-spec.ts'],
          globalSetup: ['apps/server/test/postgres.setup.ts', 'apps/agent/test/built-agent.ts'],
          execArgv: SOURCE_THREADS,
          maxWorkers: 2,
          testTimeout: 90_000,
          hookTimeout: TEST_TIMEOUT_MS,
        },
      },
      deployed('deploy', 'test/deploy/*.deploy-spec.ts'),
      deployed('deploy-every-case', 'test/deploy/all/*.deploy-spec.ts'),
      stories('stories', 'test/e2e/*.story.ts'),
      stories('every-case', 'test/e2e/all/*.story.ts'),
    ],
  },
});
