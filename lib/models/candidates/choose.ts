import { softplus } from '../../engine/host/index.ts';
import { blendLogits, type DriftCorrection, fitDrift } from '../../engine/metrics/index.ts';
import type { Candidate } from './candidate.ts';
import { lossOf, taskRows } from './held-out.ts';
import type { Trial } from './trial.ts';
import { blendedApart, blendWeights } from './weights.ts';

/**
 * A dearer form must lower the blend's loss by this much, and by so many standard errors, to take its place: it is seen at one
 * day alone, and the errors do not tell how days differ.
 */
export const FORM_WORTH = 0.002;
export const FORM_ERRORS = 2;
/** A weight below this adds nothing that is worth its cost. */
export const LEAST_WEIGHT = 0.02;

/** Logits that are added up for one task. */
export interface TaskBlend {
  /** Per member. */
  readonly weights: readonly number[];
  /** Of the sum of what the members say. */
  readonly slope: number;
  readonly intercept: number;
}

/** What is kept: one candidate, or a blend of several. */
export interface Choice {
  readonly members: readonly Candidate[];
  /** Per task. */
  readonly tasks: readonly TaskBlend[];
  /** 'blend', or the candidate's name. */
  readonly kept: string;
  /** Mean over the tasks of the mean log loss at all trials, of those that stood at all of them; the blend is the last. */
  readonly losses: readonly { readonly name: string; readonly loss: number }[];
  /** Per task how its level was corrected, or why not. */
  readonly corrections: readonly DriftCorrection[];
  /** Per task those that had too little to learn from at some trial that judged it. */
  readonly unanswered: readonly (readonly Candidate[])[];
  /** Dearer forms that were tried and not taken. */
  readonly forms: readonly Candidate[];
}

/**
 * Chooses by what the candidates said of held-out rows. By default their logits are blended: weights of 0 and above for each
 * task, fitted on the rows of all its trials and drawn towards equal ones. Where the others add nothing, one is kept alone. The
 * blend's loss is that of weights which were not fitted on the rows they are judged by.
 * @param horizons days of each task's window; 0 where there is none
 * @throws Error when nothing stands to choose from
 */
export function choose(
  candidates: readonly Candidate[],
  trials: readonly Trial[],
  horizons: readonly number[],
): Choice {
  const tasks = horizons.length;
  const tried = (one: Candidate) => trials.some(({ logits }) => logits.has(one));
  const plain = candidates.filter((one) => one.family !== 'floor' && !one.formOf && tried(one));
  const form = dearerForm(candidates, plain, trials, tasks);
  const pool = plain.map((one) => (form?.formOf === one ? form : one));
  const judged = horizons.map((_, task) => new TaskTrials(pool, trials, tasks, task));
  const base = pool.filter((one) => judged.some(({ members }) => members.includes(one)));
  const members = base.length > 0 ? base : pool;
  if (members.length === 0) throw new Error('none of the candidates applies');
  const withRows = judged.filter((one) => one.members.length > 0);
  const meanOf = (loss: (one: TaskTrials) => number) =>
    withRows.reduce((sum, one) => sum + loss(one), 0) / withRows.length;
  const floors = candidates.filter(({ family }) => family === 'floor');
  const losses = [...floors, ...members].flatMap((one) => {
    const loss = meanOf((task) => task.lossOf(one));
    return Number.isNaN(loss) ? [] : [{ name: one.name, loss }];
  });
  const blend = members.length > 1 ? meanOf((one) => one.blendLoss()) : Number.NaN;
  const weightsOf = judged.map((one) => one.weights(members));
  const used = members.filter((_, m) => weightsOf.some((weights) => weights[m]! > 0));
  const weighed = weightsOf.map((weights) => used.map((one) => weights[members.indexOf(one)]!));
  const corrections = judged.map((one, task) => one.drift(used, weighed[task]!, horizons[task]!));
  return {
    members: used,
    tasks: weighed.map((weights, task) => {
      const { slope, intercept } = corrections[task]!;
      return { weights, slope, intercept };
    }),
    kept: used.length === 1 ? used[0]!.name : 'blend',
    losses: Number.isNaN(blend) ? losses : [...losses, { name: 'blend', loss: blend }],
    corrections,
    unanswered: judged.map(({ members: own, judged }) =>
      judged ? pool.filter((one) => !own.includes(one)) : [],
    ),
    forms: candidates.filter((one) => one.formOf && one !== form && tried(one)),
  };
}

/** One task's rows of a trial, and what was said of them. */
interface JudgedTrial {
  readonly trial: Trial;
  readonly labels: number[];
  /** Whose the rows are. */
  readonly users: number[];
  readonly said: ReadonlyMap<Candidate, number[]>;
}

/** The trials of one task that have rows of it. */
class TaskTrials {
  /** Those that answered at all the trials that count. */
  readonly members: readonly Candidate[];
  readonly #trials: readonly JudgedTrial[];

  /** @param pool those that may become members */
  constructor(pool: readonly Candidate[], trials: readonly Trial[], tasks: number, task: number) {
    const all = trials.flatMap((trial) => {
      const said = new Map<Candidate, number[]>();
      let labels: number[] = [];
      let users: number[] = [];
      for (const [candidate, logits] of trial.logits) {
        const rows = taskRows(logits, trial.outcomes, tasks, task);
        if (rows.labels.length === 0) continue;
        labels = rows.labels;
        users = rows.at.map((at) => trial.users[at]!);
        said.set(candidate, rows.logits);
      }
      return labels.includes(0) && labels.includes(1) ? [{ trial, labels, users, said }] : [];
    });
    // Where history is short an early trial may lack closed windows, and with them candidates that the others have.
    // A dearer form was tried at one of them alone.
    const able = all.map(({ said }) => pool.filter((one) => said.has(one)).length);
    const most = Math.max(0, ...able);
    this.#trials = all.filter((_, i) => able[i] === most);
    this.members = pool.filter((one) => most > 0 && this.#trials.every(({ said }) => said.has(one)));
  }

  /** Has anything been said of rows whose outcome is known? */
  get judged(): boolean {
    return this.#trials.length > 0;
  }

  lossOf(candidate: Candidate): number {
    return mean(
      this.#trials.map(({ labels, said }) => {
        const logits = said.get(candidate);
        return logits ? lossOf({ labels, logits }) : Number.NaN;
      }),
    );
  }

  /** Mean loss of the blend, by weights that were not fitted on the rows they are judged by. */
  blendLoss(): number {
    const rows = this.#trials.map(({ trial, labels, users, said }) => ({
      ...{ day: trial.day, labels, users },
      logits: this.members.map((one) => said.get(one)!),
    }));
    const blended = blendedApart(rows);
    return mean(rows.map(({ labels }, i) => lossOf({ labels, logits: blended[i]! })));
  }

  /** Per row of all trials, by how much its loss falls where a form takes its place in the blend. */
  gains(form: Candidate): number[] {
    const others = this.members.filter((one) => one !== form);
    const replaced = this.members.filter((one) => one !== form.formOf);
    const [before, after] = [others, replaced].map((members) => fitted(this.#trials, members));
    return this.#trials.flatMap((one) =>
      lowered(one.labels, this.#blended(one, others, before!), this.#blended(one, replaced, after!)),
    );
  }

  /** Weights of these members; equal ones where nothing is known of the task yet. */
  weights(members: readonly Candidate[]): number[] {
    const known = members.filter((one) => this.members.includes(one));
    if (known.length === 0) return members.map(() => 1 / members.length);
    const found = fitted(this.#trials, known).map((weight) => (weight < LEAST_WEIGHT ? 0 : weight));
    // Where none told anything, none is worth more than another.
    const all = found.some((weight) => weight > 0) ? found : found.map(() => 1 / known.length);
    return members.map((one) => (known.includes(one) ? all[known.indexOf(one)]! : 0));
  }

  drift(members: readonly Candidate[], weights: readonly number[], horizon: number): DriftCorrection {
    const known = members.filter((one) => this.members.includes(one));
    const days = this.#trials.flatMap((one) => one.trial.day ?? []);
    const cutoffs = days.length === this.#trials.length && known.length > 0 ? this.#trials : [];
    const apart = horizon > 0 && days.length > 0 ? 1 + (Math.max(...days) - Math.min(...days)) / horizon : 1;
    const own = known.map((one) => weights[members.indexOf(one)]!);
    return fitDrift(
      cutoffs.map((one) => ({ labels: one.labels, logits: this.#blended(one, known, own) })),
      Math.min(apart, cutoffs.length),
    );
  }

  #blended({ said }: JudgedTrial, members: readonly Candidate[], weights: readonly number[]): number[] {
    return [
      ...blendLogits(
        members.map((one) => said.get(one)!),
        weights,
      ),
    ];
  }
}

function fitted(trials: readonly JudgedTrial[], members: readonly Candidate[]): number[] {
  return blendWeights(
    members.map((one) => trials.flatMap(({ said }) => said.get(one)!)),
    trials.flatMap(({ labels }) => labels),
    trials.filter(({ trial }) => trial.day !== null).length,
  );
}

/** The form of a member that lowers the loss of the whole most, if one does so clearly. */
function dearerForm(
  candidates: readonly Candidate[],
  plain: readonly Candidate[],
  trials: readonly Trial[],
  tasks: number,
): Candidate | undefined {
  let best: { readonly form: Candidate; readonly gain: number } | undefined;
  for (const form of candidates) {
    const trial = trials.find(({ logits }) => logits.has(form));
    if (!form.formOf || !trial) continue;
    const { mean: gain, error } = gainOf(form, plain, trial, tasks);
    if (gain >= FORM_WORTH && gain >= FORM_ERRORS * error && !(best && best.gain >= gain))
      best = { form, gain };
  }
  return best?.form;
}

/** By how much the loss of a blend falls with the form in its place, as the mean over the tasks, with its standard error. */
function gainOf(
  form: Candidate,
  plain: readonly Candidate[],
  trial: Trial,
  tasks: number,
): { readonly mean: number; readonly error: number } {
  const gains: number[][] = [];
  for (let task = 0; task < tasks; task++) {
    const one = new TaskTrials([...plain, form], [trial], tasks, task);
    if (one.members.includes(form) && one.members.includes(form.formOf!)) gains.push(one.gains(form));
  }
  // Tasks of one shop rise and fall together: their errors are no smaller together than alone.
  return { mean: mean(gains.map(mean)), error: mean(gains.map(errorOf)) };
}

/** Per row, by how much the loss falls from one logit to another. */
const lowered = (labels: readonly number[], from: readonly number[], to: readonly number[]): number[] =>
  labels.map((label, i) => softplus(from[i]!) - softplus(to[i]!) + label * (to[i]! - from[i]!));

/** Standard error of a mean. */
function errorOf(values: readonly number[]): number {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
