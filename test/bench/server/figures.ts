/** A figure of the server, and what it has to be. */
export interface Figure {
  readonly name: string;
  /** What is measured, for people. */
  readonly title: string;
  readonly value: number | null;
  readonly unit: string;
  readonly target: number;
  /** How the value has to lie to the target. */
  readonly is: 'at most' | 'at least';
  readonly met: boolean;
  /** What else there is to say: rates, failures. */
  readonly remark: string;
}

type Measured = Omit<Figure, 'met'> & { readonly problem?: string | undefined };

/** Judges a figure: one with a problem is never met, nor one that could not be measured. */
export function judge({ problem, ...measured }: Measured): Figure {
  const { value, target, is } = measured;
  const within = value !== null && (is === 'at most' ? value <= target : value >= target);
  const remark = [problem, measured.remark].filter((text) => text !== undefined && text !== '').join('; ');
  return { ...measured, remark, met: within && problem === undefined };
}

/** The value below which so large a part of the values lies; null without any. */
export function percentile(values: readonly number[], part: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? null;
}

/** A figure on one line. */
export function figureText(figure: Figure): string {
  const value = figure.value === null ? '-' : `${Math.round(figure.value * 10) / 10} ${figure.unit}`;
  const verdict = figure.met ? 'met' : 'NOT MET';
  return `${figure.name.padEnd(22)}${value.padStart(14)}  ${figure.is} ${figure.target} ${figure.unit}: ${verdict}  ${figure.remark}`.trimEnd();
}
