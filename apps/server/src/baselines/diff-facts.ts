import { FACT_SECTIONS, type FactSection, type Facts } from './facts.js';
import { ignoring, VOLATILE } from './volatile.js';

/** One thing that is not as the baseline has it. `before` is null when it is new, `after` when it is gone. */
export interface Difference {
  readonly section: FactSection;
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

/**
 * What differs between two looks at a system, by section and name. What always changes is left out, and what `ignore`
 * names. A section that one of the looks does not have at all says nothing.
 */
export function diffFacts(before: Facts, after: Facts, ignore: readonly string[]): Difference[] {
  const isIgnored = ignoring([...VOLATILE, ...ignore]);
  return FACT_SECTIONS.flatMap((section) => {
    const [old, now] = [before[section], after[section]];
    if (old === undefined || now === undefined) return [];
    const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
    return names
      .filter((name) => old[name] !== now[name] && !isIgnored(section, name))
      .map((name) => ({ section, name, before: old[name] ?? null, after: now[name] ?? null }));
  });
}

function shown({ section, name, before, after }: Difference): string {
  if (before === null) return `  + ${name}  ${after}`;
  if (after === null) return `  - ${name}  ${before}`;
  // Two digests tell a person nothing.
  const digests = section === 'etc' && /^[0-9a-f]{64}$/.test(before) && /^[0-9a-f]{64}$/.test(after);
  return digests ? `  ~ ${name}` : `  ~ ${name}  ${before} -> ${after}`;
}

/** The differences for a person: sections as headings, `+` new, `-` gone, `~` changed. */
export function differencesText(differences: readonly Difference[]): string {
  const sections = FACT_SECTIONS.filter((section) => differences.some((difference) => difference.section === section));
  return sections
    .map((section) => {
      const lines = differences.filter((difference) => difference.section === section).map(shown);
      return `${section}\n${lines.join('\n')}\n`;
    })
    .join('');
}
