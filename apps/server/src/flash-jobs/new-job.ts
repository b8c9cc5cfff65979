import { randomUUID } from 'node:crypto';
import { type ProvisioningMode, SEED_TEXT_NAMES } from '@bty/wire-types';
import { seedTextsOf } from '../machines/index.js';
import {
  type JobSeed,
  MODE_NEEDS,
  type ProvisioningPlan,
  planProvisioning,
  type SeedTexts,
} from '../provisioning/index.js';
import type { FlashJobEntity } from './flash-job.entity.js';
import type { JobSources } from './flash-job-sources.repository.js';
import type { JobOrder } from './job-order.js';

function textsOf(order: JobOrder, record: SeedTexts): SeedTexts {
  return Object.fromEntries(
    SEED_TEXT_NAMES.map((name) => [name, order.texts[name] ?? record[name]]),
  ) as unknown as SeedTexts;
}

function takesWorkflow(mode: ProvisioningMode): boolean {
  return MODE_NEEDS[mode].needs.includes('cijoe_workflow_ref');
}

/** What an order for a check names although only a flash has use for it. */
function planCheck(order: JobOrder): ProvisioningPlan {
  const { verify, provisioningMode: provisioning_mode, cijoeWorkflowRef: cijoe_workflow_ref, texts } = order;
  const named = Object.entries({ verify, provisioning_mode, cijoe_workflow_ref, ...texts }).filter(
    ([, value]) => value != null,
  );
  const problem = 'a check writes nothing and has no use for it';
  return { problems: named.map(([field]) => ({ field, problem })), seed: null };
}

/** The seed that a job for this order carries, or what its provisioning mode lacks. */
export function planOf(order: JobOrder, { machine, imageName, sshPublicKey, workflow }: JobSources): ProvisioningPlan {
  if (order.kind === 'check') return planCheck(order);
  const mode = order.provisioningMode ?? machine.provisioningMode;
  const idle = MODE_NEEDS[mode].takesSeed ? [] : SEED_TEXT_NAMES.filter((name) => order.texts[name] !== null);
  if (idle.length > 0) {
    const problem = `provisioning mode ${mode} has no use for it`;
    return { problems: idle.map((field) => ({ field, problem })), seed: null };
  }
  const { mac, hostname } = machine;
  const cijoeWorkflowRef = order.cijoeWorkflowRef ?? machine.cijoeWorkflowRef;
  const texts = textsOf(order, seedTextsOf(machine));
  const plan = planProvisioning({ mode, mac, hostname, image: imageName, cijoeWorkflowRef, texts }, sshPublicKey);
  if (!takesWorkflow(mode) || workflow === undefined || !('problem' in workflow)) return plan;
  return { seed: null, problems: [...plan.problems, { field: 'cijoe_workflow_ref', problem: workflow.problem }] };
}

/** A queued job with all that its agent will need. */
export function newJob(order: JobOrder, sources: JobSources, seed: JobSeed | null, now: Date): FlashJobEntity {
  const { machine, image, imageName } = sources;
  const provisioningMode = order.kind === 'check' ? 'none' : (order.provisioningMode ?? machine.provisioningMode);
  const workflow = takesWorkflow(provisioningMode) ? sources.workflow : undefined;
  const { name: workflowName = null, digest: workflowDigest = null } =
    workflow !== undefined && 'version' in workflow ? workflow.version : {};
  return {
    id: randomUUID(),
    mac: machine.mac,
    kind: order.kind,
    state: 'queued',
    version: 0,
    epoch: 0,
    stage: null,
    imageName,
    imageFormat: image?.format ?? null,
    imageSha256: image?.sha256 ?? null,
    imageSizeBytes: image?.sizeBytes ?? null,
    contentSizeBytes: image?.contentSizeBytes ?? null,
    contentSha256: image?.contentSha256 ?? null,
    mapBlake3: null,
    mapSizeBytes: null,
    packBlake3: null,
    verify: order.verify ?? 'full',
    targetHint: order.targetHint ?? machine.targetHint,
    provisioningMode,
    workflowName,
    workflowDigest,
    seed,
    requestedBy: 'policy',
    retryOf: null,
    predictedMs: null,
    predictedFrom: null,
    waitingSince: null,
    waitingSeenAt: null,
    sessionId: null,
    commitGrantedAt: null,
    progress: null,
    lastProgressAt: null,
    history: [{ at: now.toISOString(), state: 'queued', epoch: 0 }],
    error: null,
    result: null,
    report: null,
    checkResult: null,
    createdAt: now,
    dispatchedAt: null,
    finishedAt: null,
  };
}
