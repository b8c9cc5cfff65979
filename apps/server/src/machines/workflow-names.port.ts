/** Port: how machine records learn about workflows, which stand above them. */
export abstract class WorkflowNames {
  /** What is wrong with a `cijoe_workflow_ref`; undefined when it names a workflow that can be run. */
  abstract problemWith(ref: string): Promise<string | undefined>;
}
