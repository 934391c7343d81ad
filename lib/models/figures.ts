import type { Interval } from '../engine/metrics/index.ts';
import type { Figure } from '../registry/index.ts';
import type { ModelDescription } from './description.ts';

/** What counts rows, or tells of them and not of the model. */
const NO_MEASURES: ReadonlySet<string> = new Set([
  'n',
  'k',
  'positives',
  'unknown',
  'treated',
  'control',
  'real',
  'expected',
  'meanTruth',
  'meanPrediction',
  'meanTold',
  'meanTreated',
  'meanControl',
]);

/** Measures that say how well a model tells rows apart; more is better. The first that there is speaks for a task. */
const LEADING = ['auroc', 'ndcg', 'spearman', 'macroF1', 'microF1', 'qini', 'r2'] as const;

/** The measure that speaks for a task, of those that all of these have; undefined where they share none. */
export function leadingMeasure(...figures: readonly Readonly<Record<string, Figure>>[]): string | undefined {
  return LEADING.find((name) => figures.every((one) => one[name]));
}

/** The measures of a model on data that its fits were kept from, by task; tasks that could not be validated have none. */
export function figuresOf({
  tasks,
}: Pick<ModelDescription, 'tasks'>): Record<string, Record<string, Figure>> {
  return Object.fromEntries(
    tasks.flatMap((task) => {
      const validation = task.answers === 'labels' ? task.told.validation : task.validation;
      return validation ? [[task.name, flat(validation.assessment)]] : [];
    }),
  );
}

function flat(assessment: object): Record<string, Figure> {
  const { intervals = {} } = assessment as { readonly intervals?: Readonly<Record<string, Interval>> };
  return Object.fromEntries(
    Object.entries(assessment).flatMap(([name, value]) => {
      if (typeof value !== 'number' || !Number.isFinite(value) || NO_MEASURES.has(name)) return [];
      const interval = intervals[name];
      return [[name, { value, ...(interval ? { interval } : {}) } satisfies Figure]];
    }),
  );
}
