import type { FeatureStrength, TaskStrengths } from '../shared/index.ts';

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
  return strongest(all, new Map([...byGroup].map(([group, strength]) => [group, strength / total])));
}

/** The strengths of several models as one. @param weights of the models, of any sum */
export function mixed(each: readonly TaskStrengths[], weights: readonly number[]): TaskStrengths {
  const features = new Map<string, FeatureStrength>();
  const groups = new Map<string, number>();
  const whole = weights.reduce((a, b) => a + b, 0) || 1;
  each.forEach((own, m) => {
    const weight = weights[m]! / whole;
    for (const { name, group, strength } of own.features) {
      const before = features.get(name)?.strength ?? 0;
      features.set(name, { name, group, strength: before + weight * strength });
    }
    for (const { group, share } of own.groups) groups.set(group, (groups.get(group) ?? 0) + weight * share);
  });
  return strongest([...features.values()], groups);
}

/** @param shares of the groups */
const strongest = (
  features: readonly FeatureStrength[],
  shares: ReadonlyMap<string, number>,
): TaskStrengths => ({
  features: features
    .filter(({ strength }) => strength > 0)
    .sort((a, b) => b.strength - a.strength)
    .slice(0, KEPT),
  groups: [...shares]
    .filter(([, share]) => share > 0)
    .map(([group, share]) => ({ group, share }))
    .sort((a, b) => b.share - a.share),
});
