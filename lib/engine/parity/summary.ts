import type { Comparison } from './measure.ts';

/** Comparisons of one kind, told by the one that uses most of its tolerance. */
export interface Summary {
  readonly file: string;
  readonly part: Comparison['part'];
  readonly precision: Comparison['precision'];
  readonly group: string;
  readonly count: number;
  readonly failed: number;
  readonly worst: Comparison;
}

/** One row for each file, part, precision and group, in the order in which they were compared. */
export function summarise(comparisons: readonly Comparison[]): Summary[] {
  const groups = new Map<string, Comparison[]>();
  for (const comparison of comparisons) {
    const { file, part, precision, group } = comparison;
    const key = [file, part, precision, group].join('\n');
    const known = groups.get(key);
    if (known) known.push(comparison);
    else groups.set(key, [comparison]);
  }
  return [...groups.values()].map((group) => {
    const share = ({ difference, tolerance }: Comparison) => difference / tolerance;
    const worst = group.reduce((most, next) => (share(next) > share(most) ? next : most));
    const { file, part, precision, group: name } = worst;
    const failed = group.filter(({ ok }) => !ok).length;
    return { file, part, precision, group: name, count: group.length, failed, worst };
  });
}
