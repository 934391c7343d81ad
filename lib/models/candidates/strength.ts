import type { TaskStrengths } from '../shared/index.ts';

/** Features that are kept for each task. */
const KEPT = 30;

/**
 * Sums up effects on the scores of one task.
 * @param effects (rows, tasks, columns): signed parts of the logits
 * @param columns name and group of each column
 */
export function summarise(
  effects: Float32Array,
  tasks: number,
  task: number,
  columns: readonly { readonly name: string; readonly group: string }[],
): TaskStrengths {
  const rows = effects.length / (tasks * columns.length);
  const all = columns.map(({ name, group }, j) => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += Math.abs(effects[(i * tasks + task) * columns.length + j]!);
    return { name, group, strength: sum / Math.max(1, rows) };
  });
  const total = all.reduce((sum, { strength }) => sum + strength, 0) || 1;
  const byGroup = new Map<string, number>();
  for (const { group, strength } of all) byGroup.set(group, (byGroup.get(group) ?? 0) + strength);
  return {
    features: all
      .filter(({ strength }) => strength > 0)
      .sort((a, b) => b.strength - a.strength)
      .slice(0, KEPT),
    groups: [...byGroup]
      .filter(([, strength]) => strength > 0)
      .map(([group, strength]) => ({ group, share: strength / total }))
      .sort((a, b) => b.share - a.share),
  };
}
