import { formatDay } from '../data/index.ts';
import { createRng, sigmoid } from '../engine/host/index.ts';
import {
  assessBinary,
  blendLogits,
  fitBlend,
  type Interval,
  logLoss,
  pairedBootstrap,
} from '../engine/metrics/index.ts';
import type { Trials } from '../models/index.ts';

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
  /** Of a fit, the mean over the days; null for the blend, which costs what its members cost. */
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
}

interface Rows {
  readonly labels: number[];
  readonly users: number[];
  /** By the name of the model. */
  readonly logits: Map<string, number[]>;
}

const BLEND = 'blend';

/**
 * Models side by side on the rows that all of them were tried at. Where there are several days a blend stands among them,
 * whose weights at each day are those of the others. A difference is noise where the 95 % interval of the paired bootstrap
 * over users holds 0.
 * @returns undefined where no row of the task has an outcome yet
 */
export function compareModels({ tasks, trials }: Trials, task: string): ComparedTask | undefined {
  const t = tasks.indexOf(task);
  const all = trials.map((trial) => {
    const rows: Rows = { labels: [], users: [], logits: new Map() };
    const at = Int32Array.from({ length: trial.outcomes.length / tasks.length }, (_, i) => i).filter(
      (i) => !Number.isNaN(trial.outcomes[i * tasks.length + t]!),
    );
    for (const i of at) {
      rows.labels.push(trial.outcomes[i * tasks.length + t]!);
      rows.users.push(trial.users[i]!);
    }
    for (const [{ name }, said] of trial.logits) {
      const logits = Array.from(at, (i) => said[i * tasks.length + t]!);
      if (!logits.some(Number.isNaN)) rows.logits.set(name, logits);
    }
    return rows;
  });
  if (!all.some(({ labels }) => labels.length > 0)) return undefined;
  const names = [...all[0]!.logits.keys()].filter((name) => all.every(({ logits }) => logits.has(name)));
  const floors = new Set(
    trials.flatMap(({ logits }) =>
      [...logits.keys()].flatMap((one) => (one.family === 'floor' ? one.name : [])),
    ),
  );
  const blended = names.filter((name) => !floors.has(name));
  if (all.length > 1 && blended.length > 1) addBlend(all, blended);
  const labels = all.flatMap((rows) => rows.labels);
  const users = all.flatMap((rows) => rows.users);
  const said = [...names, ...(all[0]!.logits.has(BLEND) ? [BLEND] : [])].map((name) => {
    const probabilities = all.flatMap(({ logits }) => logits.get(name)!.map(sigmoid));
    return { name, probabilities, assessed: assessBinary(labels, probabilities, users) };
  });
  said.sort((a, b) => (a.assessed.logLoss ?? 0) - (b.assessed.logLoss ?? 0));
  const best = said[0]!;
  return {
    task,
    days: trials.flatMap(({ day }) => (day === null ? [] : [formatDay(day)])),
    n: labels.length,
    models: said.map(({ name, probabilities, assessed }) => ({
      name,
      auroc: assessed.auroc,
      aurocInterval: assessed.intervals.auroc,
      logLoss: assessed.logLoss,
      logLossInterval: assessed.intervals.logLoss,
      ece: assessed.ece,
      ...(name === best.name ? {} : { behind: behind(labels, users, probabilities, best.probabilities) }),
      ...costsOf(trials, name),
    })),
  };
}

function addBlend(all: readonly Rows[], names: readonly string[]): void {
  for (const rows of all) {
    const others = all.filter((other) => other !== rows);
    const weights = fitBlend(
      names.map((name) => others.flatMap(({ logits }) => logits.get(name)!)),
      others.flatMap(({ labels }) => labels),
      { penalty: 0.1 / others.length },
    );
    rows.logits.set(BLEND, [
      ...blendLogits(
        names.map((name) => rows.logits.get(name)!),
        weights,
      ),
    ]);
  }
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

function costsOf(
  trials: Trials['trials'],
  name: string,
): Pick<ComparedModel, 'fitSeconds' | 'rowsPerSecond' | 'bytes'> {
  const costs = trials.flatMap(({ costs }) =>
    [...costs].flatMap(([one, cost]) => (one.name === name ? cost : [])),
  );
  const mean = (of: (cost: (typeof costs)[number]) => number) =>
    costs.length === 0 ? null : costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length;
  return {
    fitSeconds: mean(({ fitSeconds }) => fitSeconds),
    rowsPerSecond: mean(({ rowsPerSecond }) => rowsPerSecond),
    bytes: mean(({ bytes }) => bytes),
  };
}
