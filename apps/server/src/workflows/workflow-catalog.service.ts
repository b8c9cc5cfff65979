import { Injectable } from '@nestjs/common';
import { WorkflowNames } from '../machines/index.js';
import { parseWorkflowRef } from './workflow-ref.js';
import type { WorkflowVersionEntity } from './workflow-version.entity.js';
import { WorkflowsRepository } from './workflows.repository.js';

/** The transaction to look in, if not in one of its own. */
type Within = [manager?: Parameters<WorkflowsRepository['resolve']>[1]];

/** Finds out what a `cijoe_workflow_ref` means. */
@Injectable()
export class WorkflowCatalog extends WorkflowNames {
  constructor(private readonly workflows: WorkflowsRepository) {
    super();
  }

  /** The version that a reference means now, or what is wrong with it. */
  async resolve(ref: string, ...within: Within): Promise<{ version: WorkflowVersionEntity } | { problem: string }> {
    const parsed = parseWorkflowRef(ref);
    if (parsed === undefined) return { problem: 'must be the name of a workflow, or name@digest' };
    const version = await this.workflows.resolve(parsed, ...within);
    return version === undefined ? { problem: `there is no workflow ${ref} that can be run` } : { version };
  }

  override async problemWith(ref: string): Promise<string | undefined> {
    const found = await this.resolve(ref);
    return 'problem' in found ? found.problem : undefined;
  }
}
