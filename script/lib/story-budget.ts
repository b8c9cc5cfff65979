/** How long a story took, in seconds. */
export interface Story {
  name: string;
  seconds: number;
}

/** Seconds that each story is meant to take on the machines that run them. */
export type Budget = Readonly<Record<string, number>>;

const SHOWN = 10;

/** Lists the slowest stories against their budgets; 1.5 times over is a warning, more than 3 times an overrun. */
export function judgeStories(stories: readonly Story[], budgets: Budget): { lines: string[]; overruns: string[] } {
  const judged = stories.map((story) => {
    const budget = budgets[story.name];
    const ratio = budget === undefined ? 0 : story.seconds / budget;
    const verdict = budget === undefined ? 'no budget' : ratio > 3 ? 'OVERRUN' : ratio > 1.5 ? 'warning: slow' : '';
    return { ...story, budget, verdict };
  });
  const slowest = judged.toSorted((a, b) => b.seconds - a.seconds).slice(0, SHOWN);
  const line = (one: (typeof judged)[number]): string =>
    `${one.seconds.toFixed(1).padStart(8)} s of ${String(one.budget ?? '-').padStart(4)} s  ${one.name}  ${one.verdict}`.trimEnd();
  const unlisted = judged.filter((one) => one.verdict !== '' && !slowest.includes(one));
  return {
    lines: ['slowest stories, against their budgets:', ...[...slowest, ...unlisted].map(line)],
    overruns: judged.filter((one) => one.verdict === 'OVERRUN').map((one) => one.name),
  };
}
