import './thread-pool.js';
import { readFile } from 'node:fs/promises';
import { BtyError, toBtyError } from '@bty/wire-types';
import { CommanderError } from 'commander';
import { commandName, envelope, failureView } from './cli/envelope.js';
import { EXIT_CODES, exitCodeOf } from './cli/exit-code.js';
import { buildProgram } from './cli/program.js';
import { askSecret } from './cli/secret.js';
import { processEnvironment } from './config.js';
import { standardErrorLines } from './screen/standard-error.js';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => stop.abort(new BtyError('CANCELLED', `stopped by ${signal}`)));
}

// Whoever reads the output may stop reading: `bty list disks | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

/** A wrong command line that asked for a document gets one; help and version are no failures. */
function usageExit({ exitCode, message }: CommanderError, argv: readonly string[]): number {
  if (exitCode === 0) return EXIT_CODES.success;
  if (argv.includes('--json')) {
    const error = failureView(new BtyError('INVALID_REQUEST', message.replace(/^error: /, '')));
    process.stdout.write(`${envelope(commandName(argv.slice(2)), { error })}\n`);
  }
  return EXIT_CODES.usage;
}

const root = process.getuid?.() === 0;
let exitCode: number = EXIT_CODES.success;
const program = buildProgram({
  environment: processEnvironment,
  kernelCommandLine: () => readFile('/proc/cmdline', 'utf8'),
  showLine: standardErrorLines(),
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  terminal: process.stderr.isTTY,
  interactive: process.stdin.isTTY && process.stdout.isTTY,
  root,
  secret: askSecret,
  searchPath: processEnvironment.PATH ?? '',
  exitWith: (code) => {
    exitCode = code;
  },
  stop: stop.signal,
});

try {
  await program.parseAsync(process.argv);
} catch (thrown) {
  if (thrown instanceof CommanderError) exitCode = usageExit(thrown, process.argv);
  else {
    const error = toBtyError(thrown);
    process.stderr.write(`bty: ${error.message}\n`);
    exitCode = exitCodeOf(error, root);
  }
}
// A thread or a socket that is left must not hold the process; standard output is written by now, also to a pipe.
process.exit(exitCode);
