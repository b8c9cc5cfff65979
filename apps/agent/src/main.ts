import './thread-pool.js';
import { readFile } from 'node:fs/promises';
import { toBtyError } from '@bty/wire-types';
import { buildProgram } from './cli/program.js';
import { processEnvironment } from './config.js';
import { standardErrorLines } from './screen/standard-error.js';

const EXIT_FAILED = 1;

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

const program = buildProgram({
  environment: processEnvironment,
  kernelCommandLine: () => readFile('/proc/cmdline', 'utf8'),
  showLine: standardErrorLines(),
  stop: stop.signal,
});

try {
  await program.parseAsync(process.argv);
  process.exit(0);
} catch (thrown) {
  const error = toBtyError(thrown);
  process.stderr.write(`bty: ${error.message}\n`);
  process.exit(EXIT_FAILED);
}
