import { ConfigError, eventCode } from '../../data/index.ts';
import { createRng } from '../../engine/host/index.ts';
import {
  bprFactors,
  type Interactions,
  implicitAls,
  itemNeighbours,
  type NeighbourOptions,
  type Recommender,
  userNeighbours,
} from '../../engine/recommend/index.ts';
import type { History, UserHistory } from './history.ts';
import type { JudgedDay } from './judged-day.ts';
import { isLead } from './others.ts';

/** A form of model that is tried beside the ranker; nights are never served by it. */
interface Rival {
  readonly name: string;
  /** What it may be asked for by. */
  readonly family: string;
  fit(interactions: Interactions, seed: number): Recommender;
}

/** Of what leads to a unit, such as a view, a line weighs so much of one of the task's event. */
const LEAD = 0.5;
/** What was had long ago is little, and still there. */
const LEAST = 1e-3;

const byItems = (similarity: NeighbourOptions['similarity']) => (x: Interactions) =>
  itemNeighbours(x, { similarity, shrink: 10, neighbours: 50 });

const RIVALS: readonly Rival[] = [
  { name: 'item neighbours', family: 'neighbours', fit: byItems('cosine') },
  { name: 'item neighbours, Pearson', family: 'neighbours', fit: byItems('pearson') },
  { name: 'item neighbours, Euclidean', family: 'neighbours', fit: byItems('euclidean') },
  {
    name: 'user neighbours',
    family: 'neighbours',
    fit: (x) => userNeighbours(x, { similarity: 'cosine', shrink: 10, neighbours: 100 }),
  },
  {
    name: 'implicit ALS',
    family: 'als',
    fit: (x, seed) =>
      implicitAls(x, {
        ...{ factors: 32, alpha: 10, regularisation: 1, iterations: 10 },
        rng: createRng(seed).fork('als'),
      }),
  },
  {
    name: 'BPR',
    family: 'bpr',
    fit: (x, seed) =>
      bprFactors(x, {
        ...{ factors: 32, learningRate: 0.05, regularisation: 0.005, epochs: 30 },
        rng: createRng(seed).fork('bpr'),
      }),
  },
];

const YARDSTICKS = ['ranker', 'popular'] as const;

/** Names of what is compared: the ranker, what is popular, and rivals. */
export type ListModels = ReadonlySet<string>;

/**
 * What is tried of those that a user names, by name or family; the ranker and what is popular always are.
 * @throws ConfigError for a name that none has
 */
export function offeredLists(names?: readonly string[]): ListModels {
  const known: readonly { readonly name: string; readonly family: string }[] = [
    ...YARDSTICKS.map((name) => ({ name, family: name })),
    ...RIVALS,
  ];
  const unknown = names?.find((name) => !known.some((one) => name === one.name || name === one.family));
  if (unknown !== undefined) {
    const families = [...new Set(known.map(({ family }) => family))].join(', ');
    throw new ConfigError(
      `there is no model "${unknown}" of lists; families are ${families}, models ` +
        known.map(({ name }) => `"${name}"`).join(', '),
    );
  }
  const asked = RIVALS.filter(({ name, family }) => !names || names.includes(name) || names.includes(family));
  return new Set([...YARDSTICKS, ...asked.map(({ name }) => name)]);
}

/** The rivals among some models. */
export const rivalsAmong = (models: ListModels): readonly Rival[] =>
  RIVALS.filter(({ name }) => models.has(name));

/**
 * What users had by a judged day, by unit: how often, logged, what was had lately more. Rows are the users who had anything by then, in
 * the order of their hashes.
 * @returns the matrix, and the row of each user
 */
export function interactionsOf(
  history: History,
  { index, table, reader }: JudgedDay,
): { readonly interactions: Interactions; readonly rowOf: ReadonlyMap<UserHistory, number> } {
  const place = history.cutoffs.length - 1;
  const leads = table.others.map(({ type }) => type).filter(isLead);
  const rowOf = new Map<UserHistory, number>();
  const start = [0];
  const item: number[] = [];
  const value: number[] = [];
  for (const user of [...history.users].sort((a, b) => a.unit - b.unit)) {
    const much = new Map<number, number>();
    const add = (entries: Float64Array | undefined, share: number) => {
      if (!entries) return;
      const { count, unit, long } = reader.read(entries, 0, index.of);
      for (let i = 0; i < count; i++) {
        much.set(unit[i]!, (much.get(unit[i]!) ?? 0) + share * Math.log1p(long[i]!));
      }
    };
    add(user.profiles[place], 1);
    for (const type of leads) add(user.others[place]!.get(eventCode(type)), LEAD);
    if (much.size === 0) continue;
    rowOf.set(user, start.length - 1);
    for (const [unit, own] of [...much].sort(([a], [b]) => a - b)) {
      item.push(unit);
      value.push(Math.max(own, LEAST));
    }
    start.push(item.length);
  }
  const interactions: Interactions = {
    ...{ users: start.length - 1, items: index.names.length, start: Int32Array.from(start) },
    ...{ item: Int32Array.from(item), value: Float64Array.from(value) },
  };
  return { interactions, rowOf };
}

/** The list of each judged user by a recommender, under the task's rules. Units without a score above 0 are not named. */
export function recommendedLists(
  { index, rules, judged }: JudgedDay,
  recommender: Recommender,
  rowOf: ReadonlyMap<UserHistory, number>,
): string[][] {
  const scores = new Float64Array(index.names.length);
  const barred = rules.candidates?.barred;
  const picker = rules.picker();
  return judged.map(({ user, profile, excluded }) => {
    const row = rowOf.get(user);
    if (row === undefined) return [];
    recommender.scores(row, scores);
    const without = new Set(excluded);
    const had = new Set(profile.unit.subarray(0, profile.count));
    scores.forEach((score, unit) => {
      if (score !== 0 && barred?.[unit] !== 1 && !without.has(unit)) picker.offer(unit, score, had.has(unit));
    });
    return picker.take().map(({ id }) => index.names[id]!);
  });
}
