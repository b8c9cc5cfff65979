import { setTimeout as sleep } from 'node:timers/promises';
import { BtyError, type FlashStart, type JobWorkflow } from '@bty/wire-types';
import { findTool } from './find-tool.js';
import { type ProvisionPorts, provision } from './provision/provision.js';
import type { Provisioner } from './provision/provisioning.js';
import { seedWork } from './provision/seed-work.js';
import type { AskPorts } from './source/fetch-whole.js';

/** What configuring the system of a server's job needs. */
export interface JobProvisionPorts extends ProvisionPorts, AskPorts {
  searchPath: string;
  /** The URL of a path on the server. */
  urlOn(path: string): string;
  /** Stores a part of the job's log on the server. */
  sendOutput(part: number, text: string): Promise<void>;
  /** Says that the job goes on although it counts no bytes. */
  onAlive(): void;
}

const ALIVE_INTERVAL_MS = 5_000;
/** A report of what was stopped is worth a moment, no more. */
const LAST_REPORT_MS = 15_000;

async function refuseWithoutLayer(searchPath: string): Promise<void> {
  const { CONTAINING_TOOLS } = await import('./provision/cijoe/contained-process.js');
  for (const tool of ['cijoe', ...CONTAINING_TOOLS]) {
    if ((await findTool(searchPath, tool)) !== undefined) continue;
    const message =
      `the program ${tool} is not here: the live env has its layer for workflows only when it was booted for a job that ` +
      'needs one; start the machine again while such a job waits';
    throw new BtyError('MODE_UNSUPPORTED', message, { details: { missing_tool: tool } });
  }
}

async function workflowProvisioner(
  workflow: JobWorkflow,
  { job_id, epoch }: FlashStart,
  ports: JobProvisionPorts,
  signal: AbortSignal,
): Promise<Provisioner> {
  await refuseWithoutLayer(ports.searchPath);
  const { fetchWorkflow } = await import('./source/fetch-workflow.js');
  const files = await fetchWorkflow(ports.urlOn(workflow.path), workflow, ports, signal);
  return async (disk) => {
    const { whilePlaced } = await import('./provision/cijoe/place-workflow.js');
    const { provisionByWorkflow } = await import('./provision/cijoe/workflow-provisioner.js');
    const { uploadReport } = await import('./source/upload-report.js');
    const { OutputStream } = await import('./session/output-stream.js');
    const output = new OutputStream(ports.sendOutput);
    const alive = setInterval(() => ports.onAlive(), ALIVE_INTERVAL_MS);
    const workflowPorts = {
      ...ports,
      onOutput: (part: Buffer) => output.add(part),
      keepReport: (report: Parameters<typeof uploadReport>[1]) => {
        const until = signal.aborted ? AbortSignal.timeout(LAST_REPORT_MS) : signal;
        return uploadReport(ports.urlOn(`/flash-jobs/${job_id}/report?epoch=${epoch}`), report, ports, until);
      },
    };
    try {
      await whilePlaced(workflow, files, ports, (placed) => provisionByWorkflow(placed, disk, workflowPorts, signal));
    } finally {
      clearInterval(alive);
      // The rest stays in the outbox until the server has it.
      await Promise.race([output.end(), sleep(LAST_REPORT_MS, undefined, { ref: false })]);
    }
  };
}

/**
 * Gets ready what configures the system on a flashed disk, before anything is written; undefined when nothing does. Throws
 * MODE_UNSUPPORTED without the programs for it, and when a workflow cannot be fetched.
 */
export async function jobProvisioner(
  order: FlashStart,
  ports: JobProvisionPorts,
  signal: AbortSignal,
): Promise<Provisioner | undefined> {
  const { seed, workflow, verify } = order;
  if (workflow !== undefined) return workflowProvisioner(workflow, order, ports, signal);
  if (seed === undefined) return undefined;
  return (disk) => provision(seedWork({ seed, verify }), disk, ports, signal);
}
