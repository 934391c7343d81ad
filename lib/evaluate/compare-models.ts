import { formatDay } from '../data/index.ts';
import { createRng, sigmoid } from '../engine/host/index.ts';
import { assessBinary, type Interval, logLoss, pairedBootstrap } from '../engine/metrics/index.ts';
import {
  blendedApart,
  type Candidate,
  type Costs,
  costsOf,
  type Trial,
  type Trials,
} from '../models/index.ts';

/** One model in a comparison, over all the days it was tried at. */
export interface ComparedModel {
  readonly name: string;
  readonly auroc: number | null;
  readonly aurocInterval: Interval;
  readonly logLoss: number | null;
  readonly logLossInterval: Interval;
  readonly ece: number | null;
  /** Log loss less that of the best one, with a 95 % interval over resampled users; absent for the best. */
  readonly behind?: {
    readonly difference: number;
    readonly low: number;
    readonly high: number;
    readonly noise: boolean;
  };
  /** Of a fit, the mean over the days; speed and size are of the latest. Null for the blend, which costs what its members cost. */
  readonly fitSeconds: number | null;
  readonly rowsPerSecond: number | null;
  readonly bytes: number | null;
}

export interface ComparedTask {
  readonly task: string;
  /** 'YYYY-MM-DD'; empty for a labelled table. */
  readonly days: readonly string[];
  readonly n: number;
  /** Best log loss first. */
  readonly models: readonly ComparedModel[];
  /** Names of those that could not be fitted at every day, or were not begun in time. */
  readonly leftOut: readonly string[];
}

interface Rows {
  readonly day: number | null;
  readonly labels: number[];
  readonly users: number[];
  readonly logits: ReadonlyMap<Candidate, number[]>;
}

/**
 * Models side by side on the rows that all of them were tried at. A blend stands among them, whose weights at each day are
 * those of the other days, or of other users where there is one. A difference is noise where the 95 % interval of the paired
 * bootstrap over users holds 0.
 * @returns undefined where no row of the task has an outcome yet
 */
export function compareModels({ tasks, trials }: Trials, task: string): ComparedTask | undefined {
  const t = tasks.indexOf(task);
  const judged = trials.filter(({ outcomes }) =>
    outcomes.some((one, i) => i % tasks.length === t && !Number.isNaN(one)),
  );
  if (judged.length === 0) return undefined;
  const all = judged.map((trial) => rowsOf(trial, tasks.length, t));
  const tried = new Set(all.flatMap(({ logits }) => [...logits.keys()]));
  const stood = [...tried].filter((one) => all.every(({ logits }) => logits.has(one)));
  const cut = judged.flatMap((trial) => trial.cut);
  const costs = costsOf(judged);
  const labels = all.flatMap((rows) => rows.labels);
  const users = all.flatMap((rows) => rows.users);
  const said = [
    ...stood.map((one) => ({ name: one.name, logits: all.flatMap(({ logits }) => logits.get(one)!) })),
    ...blendOf(all, stood),
  ]
    .map(({ name, logits }) => {
      const probabilities = logits.map(sigmoid);
      return { name, probabilities, assessed: assessBinary(labels, probabilities, users) };
    })
    .sort((a, b) => a.assessed.logLoss! - b.assessed.logLoss!);
  const best = said[0]!;
  return {
    task,
    days: judged.flatMap(({ day }) => (day === null ? [] : [formatDay(day)])),
    n: labels.length,
    models: said.map(({ name, probabilities, assessed }) => ({
      name,
      auroc: assessed.auroc,
      aurocInterval: assessed.intervals.auroc,
      logLoss: assessed.logLoss,
      logLossInterval: assessed.intervals.logLoss,
      ece: assessed.ece,
      ...(name === best.name ? {} : { behind: behind(labels, users, probabilities, best.probabilities) }),
      ...costOf(costs[name]),
    })),
    leftOut: [...new Set([...tried, ...cut])].filter((one) => !stood.includes(one)).map(({ name }) => name),
  };
}

/** The rows of a trial that have an outcome of the task. */
function rowsOf({ day, outcomes, users, logits }: Trial, tasks: number, task: number): Rows {
  const at = Int32Array.from({ length: outcomes.length / tasks }, (_, i) => i).filter(
    (i) => !Number.isNaN(outcomes[i * tasks + task]!),
  );
  const said = [...logits].map(([one, own]) => [one, Array.from(at, (i) => own[i * tasks + task]!)] as const);
  return {
    day,
    labels: Array.from(at, (i) => outcomes[i * tasks + task]!),
    users: Array.from(at, (i) => users[i]!),
    logits: new Map(said.filter(([, own]) => !own.some(Number.isNaN))),
  };
}

/** What a night would blend by default, without floors and dearer forms; nothing where there is one model. */
function blendOf(
  all: readonly Rows[],
  stood: readonly Candidate[],
): { readonly name: string; readonly logits: number[] }[] {
  const members = stood.filter(({ family, formOf }) => family !== 'floor' && !formOf);
  if (members.length < 2) return [];
  const rows = all.map((one) => ({ ...one, logits: members.map((member) => one.logits.get(member)!) }));
  return [{ name: 'blend', logits: blendedApart(rows).flat() }];
}

function behind(
  labels: readonly number[],
  users: readonly number[],
  own: readonly number[],
  best: readonly number[],
): NonNullable<ComparedModel['behind']> {
  const rowsOf = new Map<number, number[]>();
  users.forEach((user, i) => {
    const rows = rowsOf.get(user);
    if (rows) rows.push(i);
    else rowsOf.set(user, [i]);
  });
  const groups = [...rowsOf.values()];
  const of = (probabilities: readonly number[]) => {
    const losses = labels.map((label, i) => logLoss([label], [probabilities[i]!]));
    return (drawn: Int32Array) => {
      let [sum, count] = [0, 0];
      for (const group of drawn) {
        for (const row of groups[group]!) {
          sum += losses[row]!;
          count++;
        }
      }
      return sum / count;
    };
  };
  const { difference, low, high } = pairedBootstrap({
    n: groups.length,
    metricA: of(own),
    metricB: of(best),
    samples: 300,
    rng: createRng(1),
  });
  return { difference, low, high, noise: low <= 0 && high >= 0 };
}

const costOf = (costs?: Costs): Pick<ComparedModel, 'fitSeconds' | 'rowsPerSecond' | 'bytes'> => ({
  fitSeconds: costs ? costs.fitSeconds / costs.fits : null,
  rowsPerSecond: costs?.rowsPerSecond ?? null,
  bytes: costs?.bytes ?? null,
});
