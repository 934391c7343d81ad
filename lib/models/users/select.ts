import { DataError, formatDay, parseDay } from '../../data/index.ts';
import { gatherRows } from '../../engine/host/index.ts';
import {
  type Candidate,
  costsOf,
  type Head,
  latestRows,
  offered,
  runTrial,
  type Selected,
  selected,
  type Trial,
} from '../candidates/index.ts';
import type { TrainContext, Trials, TrialsContext } from '../family.ts';
import { cutoffGrid, historyStart, trialDays } from '../shared/index.ts';
import { amountsOf, type Known, knownBy } from './known.ts';
import { closedOutcomes, materialOf, rowsWhere } from './material.ts';
import { searched } from './searched.ts';
import { userHeads, userTask } from './user-rows.ts';

/** Users that are held out where no earlier day can be. */
const HELD_OUT = 0.2;

/**
 * Tries the candidates at past cut-offs, each time fitted on what was known by that day, and chooses by what then
 * happened. Each task is judged at its own latest closed windows. A task without such a day is judged on users held out; one
 * whose window was never over is not judged at all.
 * @param grid training cut-offs before the as-of day, ascending
 * @returns what was chosen, and the context to fit it in
 */
export async function select(
  given: TrainContext,
  args: {
    candidates: readonly Candidate[];
    heads: readonly Head[];
    first: number;
    asOf: number;
    grid: readonly number[];
  },
): Promise<Selected & { readonly context: TrainContext }> {
  const { heads, first, asOf, grid } = args;
  const { config } = given.manifest;
  const data = amountsOf(given.group, heads);
  // Where there is too little data for every task, nothing that learns from it is tried.
  const deep = data.some((amount) => amount !== 'too few');
  const candidates = offered(args.candidates, config).filter(
    ({ family }) => deep || family === undefined || family === 'floor',
  );
  const horizons = heads.map(({ task }) => userTask(config, task).horizonDays);
  const days = trialDays(horizons, grid, asOf);
  const closedAt = (day: number) => horizons.filter((horizon) => day + horizon <= asOf).length;
  // The dearer forms are tried once, at the latest day that most tasks can be judged at.
  const most = Math.max(...days.map(closedAt));
  const dearest = days.findLast((day) => closedAt(day) === most);
  const before = (day: number) => grid.filter((cutoff) => cutoff < day);
  const earliest = days[0] ?? asOf;
  const { context, notes: settings } = await searched(given, heads, {
    ...{ first, day: earliest },
    cutoffs: before(earliest),
  });
  const trials: Trial[] = [];
  for (const day of days) {
    const cutoffs = [...before(day), day];
    const known = await knownBy(context, heads, { first, day, cutoffs, rich: deep && day === dearest });
    const at = (row: number) => known.rows.cutoff[row] === day;
    trials.push(await tried(candidates, known, { day, at, asOf, forms: day === dearest }));
  }
  const judged = horizons.map((_, task) =>
    trials.some(({ outcomes }) => outcomes.some((one, i) => i % heads.length === task && !Number.isNaN(one))),
  );
  const never = (horizon: number) => !grid.some((cutoff) => cutoff + horizon <= asOf);
  if (trials.length === 0 || judged.some((one, task) => !one && !never(horizons[task]!))) {
    const known = await knownBy(context, heads, {
      first,
      day: asOf,
      cutoffs: [...grid, asOf],
      rich: deep && days.length === 0,
    });
    const at = (row: number) => known.rows.unit[row]! % HELD_OUT < HELD_OUT / 5;
    const trial = await tried(candidates, known, { day: null, at, asOf, forms: days.length === 0 });
    // What a day has judged is not judged again on users whose time the fit has seen.
    const outcomes = trial.outcomes.map((one, i) => (judged[i % heads.length] ? Number.NaN : one));
    trials.push({ ...trial, outcomes });
  }
  context.tellCosts?.(costsOf(trials));
  const tasks = heads.map(({ task }) => task);
  const apart = tasks.filter((_, task) => !judged[task] && !never(horizons[task]!));
  const { notes, ...rest } = selected({ candidates, tasks, horizons, by: 'users', data }, trials);
  context.tellLatest?.(latestRows(rest.choice, trials, tasks));
  return {
    ...rest,
    context,
    notes: [
      ...(days.length > 0
        ? [
            `Tried as of ${days.map(formatDay).join(', ')}, each time fitted on what was known by then, and judged by windows that were closed by the as-of day.`,
          ]
        : []),
      ...(apart.length > 0 || days.length === 0
        ? [
            `Too few closed cut-offs for a later slice${days.length > 0 ? ` of ${apart.join(', ')}` : ''}: a fifth of the users was held out.`,
          ]
        : []),
      ...notes,
      ...settings,
    ],
  };
}

/**
 * Tries candidates as of some past days, each time fitted on what was known by then.
 * @throws DataError for a day that there is nothing to learn before, and where no such day is named or found
 */
export async function usersTrials(context: TrialsContext, offer: readonly Candidate[]): Promise<Trials> {
  const { manifest, group, task, names, goOn = () => true } = context;
  const { config } = manifest;
  const asOf = parseDay(manifest.asOf!);
  const first = await historyStart(await context.users(), asOf);
  const gridBefore = (day: number) => (first === undefined ? [] : cutoffGrid(config, first, day));
  const { horizonDays } = userTask(config, task);
  const days = context.days ?? trialDays([horizonDays], gridBefore(asOf), asOf);
  if (first === undefined || days.length === 0) {
    throw new DataError(
      `no window of ${task} was over before an earlier one began that could be learnt from: more history is needed`,
    );
  }
  const candidates = offered(offer, config, names);
  const grids = days.map(gridBefore);
  const empty = grids.findIndex((grid) => grid.length === 0);
  if (empty >= 0) {
    throw new DataError(
      `there is too little history before ${formatDay(days[empty]!)} to learn from: choose a later day`,
    );
  }
  const headsAt = (day: number) => userHeads(config, group.tasks, day - first);
  const earliest = { first, day: days[0]!, cutoffs: grids[0]! };
  const { context: own } = await searched(context, headsAt(days[0]!), earliest);
  const trials: Trial[] = [];
  for (const [i, day] of days.entries()) {
    if (trials.length > 0 && !goOn()) break;
    const grid = grids[i]!;
    const heads = headsAt(day);
    const known = await knownBy(own, heads, { first, day, cutoffs: [...grid, day], rich: true });
    const at = (row: number) => known.rows.cutoff[row] === day;
    const trial = await tried(candidates, known, { day, at, asOf, forms: true, goOn });
    // A day at which not all were tried would leave little to compare at the others.
    if (trials.length > 0 && trial.cut.length > 0) break;
    trials.push(trial);
  }
  return { tasks: group.tasks, trials };
}

async function tried(
  candidates: readonly Candidate[],
  known: Known,
  args: {
    day: number | null;
    at: (row: number) => boolean;
    asOf: number;
    forms: boolean;
    goOn?: () => boolean;
  },
): Promise<Trial> {
  const { day, at, asOf, ...how } = args;
  const rows = rowsWhere(known.rows, at);
  const material = materialOf(known, day ?? asOf, at);
  const told = day === null ? 'users held out' : formatDay(day);
  return runTrial({
    candidates,
    material: { ...material, progress: (text) => material.progress(`${told}: ${text}`) },
    heldOut: { rows, outcomes: gatherRows(closedOutcomes(known, asOf), known.heads.length, rows) },
    users: Float32Array.from(rows, (row) => known.rows.unit[row]!),
    day,
    ...how,
  });
}
