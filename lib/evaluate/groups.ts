import { auroc } from '../engine/metrics/index.ts';
import { type BinaryOutcomes, type Outcomes, userGroups } from '../models/index.ts';
import type { GroupMeasures, GroupReport } from '../report/index.ts';
import type { RunManifest } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';

/** Of smaller groups nothing is told: their measures are chance, and may point at people. */
const FEWEST = 50;
const TOP = 0.1;

/**
 * What the yes-or-no tasks over users were worth for each group of users, by the attributes that the config names, as they were
 * known at the as-of day.
 */
export async function groupReports(
  store: ObjectStore,
  manifest: RunManifest,
  outcomes: Readonly<Record<string, Outcomes>>,
): Promise<GroupReport[]> {
  const { config, asOf } = manifest;
  const { fairness } = config;
  const tasks = Object.entries(outcomes).filter(
    ([name, own]) => own.kind === 'binary' && config.tasks[name]?.kind !== 'label',
  );
  if (!fairness || asOf === null || tasks.length === 0) return [];
  return (await userGroups(store, manifest, asOf)).flatMap(({ attribute, groupOf }) =>
    tasks.map(([task, own]) => ({
      attribute,
      task,
      bound: fairness.bound,
      groups: measuresOf(own as BinaryOutcomes, groupOf),
    })),
  );
}

/** Groups of enough users, by size, then by name. */
function measuresOf(
  { ids, labels, probabilities }: BinaryOutcomes,
  groupOf: (user: string) => string,
): GroupMeasures[] {
  const members = new Map<string, number[]>();
  ids.forEach((id, i) => {
    const group = groupOf(id);
    members.set(group, [...(members.get(group) ?? []), i]);
  });
  const top = firstTenth(probabilities);
  return [...members]
    .filter(([, own]) => own.length >= FEWEST)
    .map(([group, own]) => {
      const truth = own.map((i) => labels[i]!);
      const said = own.map((i) => probabilities[i]!);
      const positives = truth.reduce((sum, y) => sum + y, 0);
      const n = own.length;
      return {
        group,
        n,
        baseRate: positives / n,
        meanProbability: said.reduce((sum, p) => sum + p, 0) / n,
        auroc: positives > 0 && positives < n ? auroc(truth, said) : null,
        chosen: own.reduce((sum, i) => sum + top[i]!, 0) / n,
      };
    })
    .sort((a, b) => b.n - a.n || (a.group < b.group ? -1 : 1));
}

/** How far each row is in the tenth of the highest probabilities: rows that tie at its edge share the places left. */
function firstTenth(probabilities: readonly number[]): Float64Array {
  const order = Int32Array.from(probabilities, (_, i) => i).sort(
    (a, b) => probabilities[b]! - probabilities[a]!,
  );
  const places = Math.ceil(TOP * order.length);
  const within = new Float64Array(order.length);
  for (let i = 0; i < places; ) {
    let end = i;
    while (end < order.length && probabilities[order[end]!] === probabilities[order[i]!]) end++;
    const share = Math.min(1, (places - i) / (end - i));
    for (; i < end; i++) within[order[i]!] = share;
  }
  return within;
}
