import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { BtyError } from '@bty/wire-types';
import { runCommand } from '../run-command.js';
import { type CommandPorts, usage } from './command-ports.js';
import type { LocalPorts } from './local-flash.js';
import { type LocalProvisioning, MOUNTING_TOOLS } from './local-provisioning.js';
import { requireTools } from './named-target.js';

/** Paths of a workflow and its configuration, by the flags that name them. */
export interface WorkflowFlags {
  cijoeWorkflow?: string;
  cijoeConfig?: string;
}

/** A workflow that somebody names, what it sees, and who sees what it prints. */
export interface WorkflowWish {
  flags: WorkflowFlags;
  environment: CommandPorts['environment'];
  onOutput(part: Buffer): void;
}

const CONFIG_FILE = 'cijoe-config.toml';
const CHECK_TIME_LIMIT_MS = 60_000;

/** The absolute path of a file; undefined when there is none. */
async function fileAt(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw cause;
  });
  if (found === undefined) return undefined;
  if (!found.isFile()) throw usage(`${path} is not a file`);
  return resolve(path);
}

async function named(flag: string, path: string): Promise<string> {
  const found = await fileAt(path);
  if (found !== undefined) return found;
  throw new BtyError('NOT_FOUND', `${flag}: there is no file ${path}`, { details: { path } });
}

/** Has cijoe judge the workflow before anything is written. Throws WORKFLOW_INVALID with what it says. */
async function check(
  workflow: string,
  config: string,
  folder: string,
  environment: WorkflowWish['environment'],
): Promise<void> {
  const { checkConfig, checkProblem, cijoeCheckCommand } = await import('@bty/cijoe');
  const seen = { ...environment, BTY_ROOTFS: folder };
  const known = Object.entries(seen).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  let settings: string;
  try {
    settings = checkConfig(await readFile(config, 'utf8'), Object.fromEntries(known));
  } catch (error) {
    throw new BtyError('WORKFLOW_INVALID', `${config}: ${(error as Error).message}`, { cause: error });
  }
  const file = join(folder, 'check.toml');
  await writeFile(file, settings);
  const [program, ...args] = cijoeCheckCommand(basename(workflow), file);
  const place = { cwd: dirname(workflow), env: seen };
  const { exitCode, stdout, stderr } = await runCommand(program, args, CHECK_TIME_LIMIT_MS, place);
  if (exitCode === 0) return;
  throw new BtyError('WORKFLOW_INVALID', `cijoe does not take ${workflow}: ${checkProblem(stdout + stderr)}`);
}

async function configOf(given: string | undefined, cwd: string, folder: string): Promise<string> {
  if (given !== undefined) return named('--cijoe-config', given);
  const beside = await fileAt(join(cwd, CONFIG_FILE));
  if (beside !== undefined) return beside;
  // cijoe does not run without one.
  const empty = join(folder, CONFIG_FILE);
  await writeFile(empty, '');
  return empty;
}

/**
 * Looks at a workflow, and has cijoe judge it. Its report stays in a new folder, which is told in the end. Throws NOT_FOUND,
 * INVALID_REQUEST, WORKFLOW_INVALID, and when a program is missing.
 */
export async function workflowProvisioning(
  { flags, environment, onOutput }: WorkflowWish,
  { searchPath, log }: LocalPorts,
  stop: AbortSignal,
): Promise<LocalProvisioning> {
  const { CONTAINING_TOOLS } = await import('../provision/cijoe/contained-process.js');
  const workflow = await named('--cijoe-workflow', flags.cijoeWorkflow ?? '');
  if (flags.cijoeConfig !== undefined) await named('--cijoe-config', flags.cijoeConfig);
  await requireTools(searchPath, [...MOUNTING_TOOLS, 'cijoe', ...CONTAINING_TOOLS]);
  const folder = await mkdtemp(join(tmpdir(), 'bty-cijoe-'));
  const cwd = dirname(workflow);
  const config = await configOf(flags.cijoeConfig, cwd, folder);
  await check(workflow, config, folder, environment);
  const output = join(folder, 'output');
  const placed = { cwd, mainFile: basename(workflow), config, output, timeLimitSeconds: undefined, env: environment };
  const ports = {
    ...{ run: runCommand, workDir: tmpdir(), log, onOutput },
    keepReport: async () => log(`the report of the workflow is in ${output}`),
  };
  return () => async (disk) => {
    const { provisionByWorkflow } = await import('../provision/cijoe/workflow-provisioner.js');
    await provisionByWorkflow(placed, disk, ports, stop);
  };
}
