import { Injectable } from '@nestjs/common';
import { BaselinesRepository, type Facts } from '../baselines/index.js';
import type { ReportFile } from '../reports/index.js';
import { RunEntity } from './run.entity.js';
import type { RunChange } from './run-change.js';
import { RunChangesRepository, type RunCompanion } from './run-changes.repository.js';

const WORKER = { name: 'worker' } as const;

/** Brings a run to its end, its baseline in the same transaction. */
@Injectable()
export class RunEnding {
  constructor(
    private readonly changes: RunChangesRepository,
    private readonly baselines: BaselinesRepository,
  ) {}

  /** The run as it ended; undefined when it was not this worker's any more. `facts` become the machine's baseline. */
  async end(
    run: RunEntity,
    change: RunChange,
    report: ReportFile[] | null,
    facts: Facts | undefined,
  ): Promise<RunEntity | undefined> {
    const now = new Date();
    const record: RunCompanion = async (manager) => {
      if (facts === undefined) return;
      const { mac, id: runId, flashJobId, imageName, imageSha256, workflowName, workflowDigest } = run;
      const what = { mac, runId, flashJobId, imageName, imageSha256, workflowName, workflowDigest };
      const baseline = await this.baselines.recordIn(manager, { ...what, recordedAt: now, facts }, WORKER);
      await manager.update(RunEntity, { id: runId }, { baseline });
    };
    const decide = (present: RunEntity) =>
      present.workerId === run.workerId ? { ...change, set: { ...change.set, report } } : undefined;
    const ended = await this.changes.change(run.id, WORKER, now, decide, record);
    if (ended === undefined && report !== null) await this.changes.attachReport(run.id, report);
    return ended;
  }
}
