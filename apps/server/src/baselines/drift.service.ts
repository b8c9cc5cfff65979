import { BtyError, type MacAddress } from '@bty/wire-types';
import { Injectable, Logger } from '@nestjs/common';
import type { Actor } from '../http/index.js';
import { MachinesRepository, noSuchMachine } from '../machines/index.js';
import { SystemFinder } from '../ssh/index.js';
import { BaselinesRepository } from './baselines.repository.js';
import { diffFacts } from './diff-facts.js';
import type { DriftCheckEntity } from './drift-check.entity.js';
import { DriftChecksRepository } from './drift-checks.repository.js';
import { FactsCollector } from './facts-collector.service.js';

/** A check, and when the baseline that it compares with was recorded. */
export type DriftFinding = Omit<DriftCheckEntity, 'machine'> & { readonly baselineAt: Date };

/** Compares machines with their baselines. */
@Injectable()
export class DriftService {
  private readonly log = new Logger('Drift');

  constructor(
    private readonly machines: MachinesRepository,
    private readonly baselines: BaselinesRepository,
    private readonly checks: DriftChecksRepository,
    private readonly finder: SystemFinder,
    private readonly collector: FactsCollector,
  ) {}

  /**
   * Looks at a machine's system again and stores what differs from its baseline. Throws NOT_FOUND (machine, baseline),
   * JOB_ACTIVE, RUN_ACTIVE, and what finding the system and collecting its facts throws.
   */
  async check(mac: MacAddress, actor: Actor): Promise<DriftFinding> {
    if ((await this.machines.find(mac)) === undefined) throw noSuchMachine(mac);
    const baseline = await this.baselines.current(mac);
    if (baseline === undefined) throw new BtyError('NOT_FOUND', `${mac} has no baseline yet: no run has succeeded`);
    await this.refuseBusy(mac);
    const system = await this.finder.find(mac, actor);
    const facts = await this.collector.collect(mac, system);
    // Read again: what its operator has let go of meanwhile need not be told.
    const ignore = (await this.machines.find(mac))?.driftIgnore ?? [];
    const differences = diffFacts(baseline.facts, facts, ignore);
    const check = { mac, baseline: baseline.version, checkedAt: new Date(), differences };
    await this.checks.store(check, actor);
    const found = differences.length === 0 ? 'is as' : `differs in ${differences.length} things from`;
    this.log.log(`${mac} ${found} its baseline ${baseline.version}`);
    return { ...check, baselineAt: baseline.recordedAt };
  }

  /** What the last check has found. Throws NOT_FOUND. */
  async last(mac: MacAddress): Promise<DriftFinding> {
    const check = await this.checks.last(mac);
    const baseline = check && (await this.baselines.find(mac, check.baseline));
    if (check === undefined || baseline === undefined) throw new BtyError('NOT_FOUND', `${mac} was not checked yet`);
    return { ...check, baselineAt: baseline.recordedAt };
  }

  private async refuseBusy(mac: MacAddress): Promise<void> {
    const { flashJobId, runId } = await this.checks.busyWith(mac);
    const busy = (code: 'JOB_ACTIVE' | 'RUN_ACTIVE', what: string, details: Record<string, unknown>) =>
      new BtyError(code, `${what} of ${mac} is active`, { details });
    if (flashJobId !== null) throw busy('JOB_ACTIVE', `flash job ${flashJobId}`, { job_id: flashJobId });
    if (runId !== null) throw busy('RUN_ACTIVE', `run ${runId}`, { run_id: runId });
  }
}
