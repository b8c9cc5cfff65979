/** What a machine record shows of its known-good baseline, and of the last comparison with it. */
export interface ConditionSummary {
  readonly baseline: {
    readonly version: number;
    readonly recordedAt: Date;
    readonly runId: string;
    readonly imageSha256: string | null;
    readonly workflowName: string;
    readonly workflowDigest: string;
  };
  readonly drift?: { readonly checkedAt: Date; readonly differences: number } | undefined;
}

/** Port: how machine records learn about baselines, which stand above them. */
export abstract class MachineCondition {
  abstract summaries(macs: readonly string[]): Promise<ReadonlyMap<string, ConditionSummary>>;
}
