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

const POSTGRES = 'apps/server/test/postgres.setup.ts';
const AGENT = 'apps/agent/test/built-agent.ts';

/** What runs a server on a Postgres, an agent, or the threads and programs of either. */
const running = (
  name: string,
  include: string[],
  setup: string[],
  limits: { maxWorkers?: number; testTimeout?: number } = {},
): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include,
    globalSetup: setup,
    execArgv: SOURCE_THREADS,
    maxWorkers: WAITING_WORKERS,
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    ...limits,
  },
});

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
      running('integration', ['{apps,libs}/*/test/**/*.int-spec.ts'], [POSTGRES, AGENT]),
      // whole servers, workers, agents, commands and disks, and what waits for a queue (in Postgres here)
      running(
        'processes',
        ['{apps/*/test,test/pair}/**/*.process-spec.ts', 'apps/server/test/**/*.queue-spec.ts'],
        [POSTGRES, AGENT],
      ),
      // what needs a queue, with the queues in Redis
      running('redis', ['apps/server/test/**/*.queue-spec.ts'], [POSTGRES, 'apps/server/test/redis.setup.ts']),
      // cijoe: whole runs, each of which takes seconds
      running('workflows', ['apps/*/test/**/*.workflow-spec.ts'], [POSTGRES], { maxWorkers: 2 }),
      // the API as its document has it, asked at random for a while
      running('random', ['test/schemathesis/*.random-spec.ts'], [POSTGRES]),
      // things done to a server, its Postgres and its Redis, each of which takes seconds to get over
      running('faults', ['test/faults/*.fault-spec.ts'], [POSTGRES, AGENT], { maxWorkers: 2, testTimeout: 90_000 }),
      deployed('deploy', 'test/deploy/*.deploy-spec.ts'),
      deployed('deploy-every-case', 'test/deploy/all/*.deploy-spec.ts'),
      stories('stories', 'test/e2e/*.story.ts'),
      stories('every-case', 'test/e2e/all/*.story.ts'),
    ],
  },
});
