import { formatDay } from '../../data/index.ts';
import { assessNumeric, coverage, type NumericAssessment } from '../../engine/metrics/index.ts';
import type { ValueValidation } from '../description.ts';
import type { TrainContext } from '../family.ts';
import { cutoffGrid, trialDays } from '../shared/index.ts';
import { blended, deviance, type FitRun, fitValue, MEMBERS, predictValue } from './fit.ts';
import { chooseLevel, type IntervalShape, intervalOf, type Prospect } from './interval.ts';
import { buildValueRows, valueColumns } from './rows.ts';
import { valueTask } from './value-task.ts';
import { chooseWeights, type HeldOut } from './weights.ts';

/** Users that are held out where no earlier day can be. */
const HELD_OUT = 0.2;

/** What was chosen on held-out rows. */
export interface ValueChoice {
  /** Of `MEMBERS`, together 1. */
  readonly weights: readonly number[];
  /** Of intervals, with the spread that it was chosen for; undefined where no window was over. */
  readonly interval: IntervalShape | undefined;
  /** Mean deviance of each member, and of the blend. */
  readonly losses: readonly { readonly name: string; readonly loss: number }[];
  readonly validation: ValueValidation | undefined;
  readonly notes: readonly string[];
}

/** Rows that were held out with what a fit without them says. */
interface Trial extends HeldOut {
  readonly unit: Float64Array;
  readonly spread: number | undefined;
}

/**
 * Chooses the weights of the members and the level of the intervals at past cut-offs whose windows are over, each time with
 * everything fitted on what was known by then. In a young log a fifth of the users is held out in place of a later day.
 * @param first shop day on which the history begins
 */
export async function chooseValue(
  context: TrainContext,
  { first, asOf, run }: { first: number; asOf: number; run: FitRun },
): Promise<ValueChoice> {
  const { manifest, group } = context;
  const { horizonDays } = valueTask(manifest, group.tasks[0]!);
  const grid = cutoffGrid(manifest.config, first, asOf);
  const days = trialDays([horizonDays], grid, asOf);
  const trials: Trial[] = [];
  for (const day of days) {
    const cutoffs = [...grid.filter((cutoff) => cutoff < day), day];
    trials.push(await tried(context, { first, day, at: day, cutoffs, run }));
  }
  let by: 'day' | 'users' = 'day';
  const latest = grid.findLast((cutoff) => cutoff + horizonDays <= asOf);
  if (trials.length === 0 && latest !== undefined) {
    by = 'users';
    const isOut = (unit: number) => unit % HELD_OUT < HELD_OUT / 5;
    trials.push(await tried(context, { first, day: asOf, at: latest, cutoffs: [...grid, asOf], run, isOut }));
  }
  const answered = trials.filter(({ truth, members }) => truth.length > 0 && members.some(Boolean));
  const comparable = MEMBERS.some((_, m) => answered.every(({ members }) => members[m]));
  // Days that no member could answer in common tell nothing of one another: the latest decides.
  const filled = comparable ? answered : answered.slice(-1);
  if (filled.length === 0) {
    const note = `Too few windows of ${horizonDays} days were over before the as-of day, or too few of them came to anything: the customer base's model answers alone, and no interval can be told.`;
    return { weights: [1, 0, 0], interval: undefined, losses: [], validation: undefined, notes: [note] };
  }
  const weights = chooseWeights(filled, MEMBERS.length);
  const answers = filled.map(({ members, truth }) => blended(members, weights, truth.length));
  const told = prospects(filled, answers);
  const interval = told && {
    spread: told.spread,
    level: chooseLevel(told.each, told.truth, told.spread),
  };
  const losses = [
    ...MEMBERS.flatMap((name, m) => {
      const own = filled.flatMap(({ truth, members }) => (members[m] ? deviance(truth, members[m]!) : []));
      return own.length < filled.length ? [] : [{ name, loss: mean(own) }];
    }),
    { name: 'blend', loss: mean(filled.map(({ truth }, i) => deviance(truth, answers[i]!))) },
  ];
  const shown = MEMBERS.flatMap((name, m) => (weights[m]! > 0 ? [`${name} ${weights[m]!.toFixed(1)}`] : []));
  const when =
    by === 'day'
      ? `as of ${days.map(formatDay).join(', ')}`
      : `of a fifth of the users as of ${formatDay(latest!)}`;
  return {
    weights,
    interval,
    losses,
    validation: {
      by,
      days:
        by === 'day'
          ? [formatDay(days[0]!), formatDay(days.at(-1)!)]
          : [formatDay(latest!), formatDay(latest!)],
      assessment: assessed(filled, answers, interval),
    },
    notes: [
      `Judged ${when}, each time fitted on what was known by then, by the mean Tweedie deviance of what the windows came to: ${losses.map(({ name, loss }) => `${name} ${loss.toPrecision(4)}`).join(', ')}.`,
      `Kept, with the weights that order users best among those of a like deviance: ${shown.join(', ')}.`,
      ...(interval === undefined
        ? []
        : [
            `Intervals of 80 % are those of ${(100 * interval.level).toFixed(0)} % of the predicted distribution: so many held 80 % there.`,
          ]),
    ],
  };
}

async function tried(
  context: TrainContext,
  args: {
    first: number;
    /** Everything is fitted on what was known by it. */
    day: number;
    /** The cut-off of the rows that are held out. */
    at: number;
    cutoffs: readonly number[];
    run: FitRun;
    isOut?: (unit: number) => boolean;
  },
): Promise<Trial> {
  const { first, day, at, cutoffs, run, isOut } = args;
  const { horizonDays } = valueTask(context.manifest, context.group.tasks[0]!);
  const value = await buildValueRows(context, await valueColumns(context, first, day), cutoffs);
  const { rows } = value;
  const without = isOut && ((row: number) => isOut(rows.unit[row]!));
  const told = { ...run, progress: (text: string) => run.progress(`${formatDay(at)}: ${text}`) };
  const fitted = await fitValue(value, { day, horizonDays, ...(without ? { without } : {}) }, told);
  const held = Int32Array.from({ length: rows.count }, (_, row) => row).filter(
    (row) => rows.cutoff[row] === at && (!without || without(row)),
  );
  return {
    ...predictValue(fitted, value, held, horizonDays),
    truth: Float64Array.from(held, (row) => rows.outcomes[row]!),
    unit: Float64Array.from(held, (row) => rows.unit[row]!),
    spread: fitted.trees?.spread,
  };
}

/** What may come of the rows of all trials that have trees, as distributions of one spread. */
function prospects(
  trials: readonly Trial[],
  answers: readonly Float64Array[],
): { each: Prospect[]; truth: number[]; spread: number } | undefined {
  const each: Prospect[] = [];
  const truth: number[] = [];
  const spreads = trials.flatMap(({ spread }) => spread ?? []);
  if (spreads.length < trials.length) return undefined;
  trials.forEach((trial, t) => {
    trial.chance.forEach((chance, i) => {
      each.push({ chance, value: answers[t]![i]! });
      truth.push(trial.truth[i]!);
    });
  });
  return { each, truth, spread: mean(spreads) };
}

function assessed(
  trials: readonly Trial[],
  answers: readonly Float64Array[],
  interval: IntervalShape | undefined,
): NumericAssessment & { readonly coverage: number | null } {
  const truth = trials.flatMap((trial) => [...trial.truth]);
  const said = answers.flatMap((answer) => [...answer]);
  const users = trials.flatMap(({ unit }) => [...unit]);
  const told = prospects(trials, answers);
  const within = interval && told?.each.map((one) => intervalOf(one, interval));
  return {
    ...assessNumeric(truth, said, users),
    coverage: within
      ? coverage(
          truth,
          within.map(([low]) => low),
          within.map(([, high]) => high),
        )
      : null,
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
