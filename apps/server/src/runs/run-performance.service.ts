import { BtyError, type MacAddress, toBtyError } from '@bty/wire-types';
import { Inject, Injectable } from '@nestjs/common';
import { type Facts, FactsCollector } from '../baselines/index.js';
import { CONFIG, type Config } from '../config/index.js';
import { type ReportFile, ReportStore } from '../reports/index.js';
import type { FoundSystem } from '../ssh/index.js';
import type { RunEntity, RunError } from './run.entity.js';
import type { RunLog } from './run-log.js';
import { workflowError } from './workflow-outcome.js';
import { WorkflowRunner } from './workflow-runner.service.js';

/** What came of a workflow: facts when all went well, else the error; neither when it was aborted. */
export interface Performed {
  readonly report: ReportFile[] | null;
  readonly facts?: Facts | undefined;
  readonly error?: RunError | undefined;
}

/** What the API and the history show of an error. */
export function runErrorOf(error: BtyError): RunError {
  const { code, message, details } = error;
  return { code, message, ...(Object.keys(details).length === 0 ? {} : { details: { ...details } }) };
}

/** Carries out the workflow of a run, keeps its report, and looks at what it left. */
@Injectable()
export class RunPerformance {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly runner: WorkflowRunner,
    private readonly reports: ReportStore,
    private readonly collector: FactsCollector,
  ) {}

  /** Throws what kept the workflow from beginning. */
  async perform(run: RunEntity, system: FoundSystem, log: RunLog, signal: AbortSignal): Promise<Performed> {
    log.say(`starts workflow ${run.workflowName}@${run.workflowDigest}`);
    const outcome = await this.runner.carryOut({ run, system, log }, signal);
    if (outcome.filesProblem !== undefined) log.say(`the report cannot be taken: ${outcome.filesProblem}`);
    const report = outcome.files.length === 0 ? null : await this.reports.putReport(`runs/${run.id}`, outcome.files);
    if (outcome.stopped === 'aborted') return { report };
    const error = workflowError(outcome, this.config.runTimeoutSeconds);
    if (error !== undefined) return { report, error };
    log.say('the workflow has succeeded; looking at what the system looks like now');
    try {
      return { report, facts: await this.collector.collect(run.mac as MacAddress, system, signal) };
    } catch (thrown) {
      if (signal.aborted) return { report };
      return { report, error: runErrorOf(toBtyError(thrown)) };
    }
  }
}
