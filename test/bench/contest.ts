/** One timed run of a tool. */
export interface Run {
  readonly seconds: number;
  /** Seconds of hashing the whole disk after the run, where the contest asks for it. */
  readonly readBackSeconds?: number;
  /** Largest resident set of any one process of the run. */
  readonly peakRssBytes?: number;
}

/** What a tool did in all its runs. `problem` says why it sets no bar: it failed, or left the disk unequal. */
export interface Outcome {
  readonly tool: string;
  readonly runs: readonly Run[];
  readonly problem?: string;
}

export interface Contestant {
  readonly tool: string;
  /** Throws when the tool fails. */
  run(): Promise<Run>;
}

/** Several tools that do the same work from the same start. */
export interface Contest {
  readonly contestants: readonly Contestant[];
  /** Puts everything back to where each run starts. */
  reset(): Promise<void>;
  /** What is wrong after a run, or undefined when it did what it should. */
  judge(): string | undefined;
}

async function runOnce(contest: Contest, contestant: Contestant): Promise<{ run?: Run; problem?: string }> {
  await contest.reset();
  try {
    const run = await contestant.run();
    const problem = contest.judge();
    return { run, ...(problem !== undefined && { problem }) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Runs the contestants by turns, `rounds` times each; every round starts with another one. A tool that has ended wrong
 * once is out. Returns the outcomes in the order of the contestants; throws the
 * signal's reason.
 */
export async function alternate(
  contest: Contest,
  rounds: number,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const { contestants } = contest;
  const runs = new Map<string, Run[]>(contestants.map(({ tool }) => [tool, []]));
  const problems = new Map<string, string>();
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const contestant = contestants[(round + turn) % contestants.length];
      if (contestant === undefined || problems.has(contestant.tool)) continue;
      signal.throwIfAborted();
      const { run, problem } = await runOnce(contest, contestant);
      if (run !== undefined) runs.get(contestant.tool)?.push(run);
      if (problem !== undefined) problems.set(contestant.tool, problem);
      tell(
        `round ${round + 1}: ${contestant.tool} ${run === undefined ? '' : `${run.seconds.toFixed(2)} s`} ${problem ?? ''}`,
      );
    }
  }
  return contestants.map(({ tool }) => {
    const problem = problems.get(tool);
    return { tool, runs: runs.get(tool) ?? [], ...(problem !== undefined && { problem }) };
  });
}
