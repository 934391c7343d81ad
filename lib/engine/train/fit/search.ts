import type { Rng } from '../../host/index.ts';
import { DivergedError, TrainError } from '../../host/index.ts';
import { checkAborted } from '../trainer/index.ts';
import { drawPoint, type PointOf, type SearchSpace } from './search-space.ts';

/** One training of one point; plain data that JSON keeps. */
export interface Trial<P = Record<string, string | number | boolean>> {
  /** Number of the point, from 0. */
  id: number;
  /** Round of halving, from 0. */
  rung: number;
  /** What it was trained for, in the caller's unit: steps, epochs, a share of the data. */
  budget: number;
  point: P;
  /** Lower is better; null where training diverged. */
  loss: number | null;
  /** Further numbers of the evaluation. */
  metrics: Record<string, number>;
}

export interface Search<S extends SearchSpace> {
  space: S;
  /** Points that are drawn. */
  points: number;
  /** Every point's budget; with `halving` the first round's. */
  budget: number;
  rng: Rng;
  /**
   * Trains a point for a budget and gives its loss on data that it was not trained on, and not tested on later. A point
   * that comes to the next round is given anew, with the larger budget; whoever wants to go on with it keeps a checkpoint
   * by its `id`.
   */
  evaluate(
    point: PointOf<S>,
    trial: { id: number; rung: number; budget: number; rng: Rng },
  ): Promise<{ loss: number } & Record<string, number>>;
  /** Each round the best of so many go on with so many times the budget. Without it there is one round. */
  halving?: { factor: number };
  /** Trials of an earlier attempt at this very search: they are taken as they are. */
  done?: readonly Trial<PointOf<S>>[];
  /** Called after each trial with all there are: where an attempt that may be killed keeps them. */
  onTrial?(trials: readonly Trial<PointOf<S>>[]): Promise<void> | void;
  signal?: AbortSignal;
}

export interface SearchResult<P> {
  /** In the order they were made. */
  trials: Trial<P>[];
  /** Least loss of the last round. */
  best: Trial<P>;
}

/**
 * Random search (Bergstra & Bengio, "Random search for hyper-parameter optimization", 2012), or successive halving
 * (Jamieson & Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", 2016, figure 3):
 * all points get a small budget, the best 1/factor of them a larger one, until one round has no more than `factor`
 * points. The same generator gives the same trials in the same order, whether or not it was interrupted.
 * @throws TrainError when `done` is of another search, or no point of the last round could be trained; AbortedError
 */
export async function search<S extends SearchSpace>(options: Search<S>): Promise<SearchResult<PointOf<S>>> {
  const { space, points, budget, rng, evaluate, halving, done = [], onTrial, signal } = options;
  checkSearch(options);
  const trials: Trial<PointOf<S>>[] = [];
  const attempt = async (id: number, point: PointOf<S>, rung: number, of: number) => {
    const before = done[trials.length];
    if (before) {
      checkSame(before, { id, rung, budget: of, point });
      trials.push(before);
      return before;
    }
    checkAborted(signal, 'the search was stopped between two trials');
    const own = { id, rung, budget: of, rng: rng.fork(`training ${id}`) };
    const trial = { id, rung, budget: of, point, ...(await evaluated(() => evaluate(point, own))) };
    trials.push(trial);
    await onTrial?.(trials);
    return trial;
  };
  let round = Array.from({ length: points }, (_, id) => ({
    id,
    point: drawPoint(space, rng.fork(`point ${id}`)),
  }));
  for (let rung = 0; ; rung++) {
    const tried: Trial<PointOf<S>>[] = [];
    for (const { id, point } of round)
      tried.push(await attempt(id, point, rung, budget * (halving?.factor ?? 1) ** rung));
    // a stable sort: of equal losses the point drawn first
    const ranked = tried.filter(({ loss }) => loss !== null).sort((a, b) => a.loss! - b.loss!);
    const [best] = ranked;
    if (!best) throw new TrainError(`none of the ${tried.length} points of round ${rung} could be trained`);
    if (!halving || round.length <= halving.factor) return { trials, best };
    round = ranked.slice(0, Math.floor(round.length / halving.factor));
  }
}

/** Trials as rows of one table, a column each for id, rung, budget, loss, every hyper-parameter and every metric. */
export function trialTable(
  trials: readonly Trial<Record<string, string | number | boolean>>[],
): Record<string, string | number | boolean | null>[] {
  return trials.map(({ id, rung, budget, point, loss, metrics }) => ({
    id,
    rung,
    budget,
    loss,
    ...point,
    ...metrics,
  }));
}

async function evaluated(
  evaluate: () => Promise<{ loss: number } & Record<string, number>>,
): Promise<Pick<Trial, 'loss' | 'metrics'>> {
  try {
    const { loss, ...rest } = await evaluate();
    const metrics = Object.fromEntries(Object.entries(rest).filter(([, value]) => Number.isFinite(value)));
    return { loss: Number.isFinite(loss) ? loss : null, metrics };
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    return { loss: null, metrics: {} };
  }
}

function checkSearch({ space, points, budget, halving }: Search<SearchSpace>): void {
  if (!Number.isInteger(points) || points < 1 || !(budget > 0) || Object.keys(space).length === 0) {
    throw new TrainError(
      `a search needs a space, points from 1 and a budget above 0, given ${Object.keys(space).length} dimensions, ${points} and ${budget}`,
    );
  }
  if (halving && !(Number.isInteger(halving.factor) && halving.factor >= 2))
    throw new TrainError(`halving needs a whole factor from 2, given ${halving.factor}`);
}

function checkSame(before: Trial<unknown>, now: Omit<Trial<unknown>, 'loss' | 'metrics'>): void {
  const { loss: _, metrics: __, ...theirs } = before;
  const text = ({ id, rung, budget, point }: typeof now) => JSON.stringify([id, rung, budget, point]);
  if (text(theirs) !== text(now)) {
    throw new TrainError(
      `the trials given are of another search: trial ${text(theirs)} stands where ${text(now)} is due`,
    );
  }
}
