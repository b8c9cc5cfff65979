import type { ArchiveFile } from '@bty/archive';
import { cijoeCommand, cijoeReportCommand, workflowFailure } from '@bty/cijoe';
import { BtyError } from '@bty/wire-types';
import { findRoot, partTitle } from '../find-root.js';
import { type FlashedDisk, type ProvisionPorts, type ProvisionWork, provision } from '../provision.js';
import { whileSystemMounted } from '../system-mounts.js';
import { collectReport } from './collect-report.js';
import { type ProgramEnd, runContained } from './contained-process.js';

/** A workflow whose files are on this machine. */
export interface PlacedWorkflow {
  /** cijoe's working directory. */
  readonly cwd: string;
  /** The file that cijoe runs, in there. */
  readonly mainFile: string;
  /** Path of cijoe's configuration. */
  readonly config: string;
  /** A folder for its report, which is not there yet. */
  readonly output: string;
  readonly timeLimitSeconds: number | undefined;
  /** What the workflow sees; `BTY_ROOTFS` comes on top. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What running a workflow needs of its surroundings. */
export interface WorkflowPorts extends ProvisionPorts {
  onOutput(part: Buffer): void;
  /** Keeps what the workflow left, whether it succeeded or not. */
  keepReport(files: readonly ArchiveFile[]): Promise<void>;
}

const REPORT_TIME_LIMIT_MS = 60_000;

async function runCijoe(
  workflow: PlacedWorkflow,
  rootfs: string,
  { onOutput }: WorkflowPorts,
  signal: AbortSignal,
): Promise<ProgramEnd> {
  const { cwd, timeLimitSeconds } = workflow;
  const env = { ...workflow.env, BTY_ROOTFS: rootfs };
  const timeLimitMs = timeLimitSeconds === undefined ? undefined : timeLimitSeconds * 1000;
  const end = await runContained({ argv: cijoeCommand(workflow), cwd, env, timeLimitMs, onOutput }, signal);
  if (end.stopped === 'time') {
    const argv = cijoeReportCommand(workflow.output);
    await runContained({ argv, cwd, env, timeLimitMs: REPORT_TIME_LIMIT_MS, onOutput }, signal);
  }
  return end;
}

async function judge({ exitCode, stopped }: ProgramEnd, workflow: PlacedWorkflow): Promise<void> {
  if (stopped === 'time') {
    throw new BtyError('TIME_LIMIT', `the workflow took longer than ${workflow.timeLimitSeconds} s`);
  }
  if (exitCode === 0) return;
  const { code, message, details } = workflowFailure(exitCode, await collectReport(workflow.output));
  throw new BtyError(code, message, { details });
}

/**
 * Runs cijoe on the system of a flashed disk, which it finds mounted at `BTY_ROOTFS`. Nothing stays mounted or running,
 * whatever happens, and its report is kept. Throws `ROOT_NOT_FOUND`, `WORKFLOW_FAILED`, which names the steps, `TIME_LIMIT`,
 * `PROVISIONING_FAILED`, what `keepReport` throws, or the reason of the signal.
 */
export async function provisionByWorkflow(
  workflow: PlacedWorkflow,
  disk: FlashedDisk,
  ports: WorkflowPorts,
  signal: AbortSignal,
): Promise<void> {
  const keep = async (): Promise<void> => ports.keepReport(await collectReport(workflow.output));
  try {
    let end: ProgramEnd | undefined;
    const work: ProvisionWork = async (volumes, search) => {
      const root = await findRoot(volumes, search, signal);
      search.log(`runs the workflow on ${partTitle(root)}`);
      end = await whileSystemMounted(root, volumes, search, () => runCijoe(workflow, search.folder, ports, signal));
      signal.throwIfAborted();
    };
    await provision(work, disk, ports, signal);
    if (end !== undefined) await judge(end, workflow);
  } catch (error) {
    // The first failure is the one to tell.
    await keep().catch((problem: Error) => ports.log(`the report is not kept: ${problem.message}`));
    throw error;
  }
  await keep();
}
