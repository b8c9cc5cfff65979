import { Injectable } from '@nestjs/common';
import { type ConditionSummary, MachineCondition } from '../machines/index.js';
import { BaselinesRepository } from './baselines.repository.js';
import { DriftChecksRepository } from './drift-checks.repository.js';

/** Tells machine records about their baselines. */
@Injectable()
export class RecordedCondition extends MachineCondition {
  constructor(
    private readonly baselines: BaselinesRepository,
    private readonly checks: DriftChecksRepository,
  ) {
    super();
  }

  override async summaries(macs: readonly string[]): Promise<ReadonlyMap<string, ConditionSummary>> {
    const baselines = await this.baselines.heads(macs);
    // Without a baseline there is nothing to have drifted from.
    const checks = await this.checks.lastOf([...baselines.keys()]);
    const found = new Map<string, ConditionSummary>();
    for (const [mac, baseline] of baselines) {
      const check = checks.get(mac);
      const drift = check && { checkedAt: check.checkedAt, differences: check.differences.length };
      found.set(mac, { baseline, drift });
    }
    return found;
  }
}
