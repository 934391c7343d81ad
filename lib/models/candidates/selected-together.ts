import { fitClassBlend, fitNumberBlend } from '../../engine/metrics/index.ts';
import type { Candidate } from './candidate.ts';
import { type Choice, FORM_ERRORS, FORM_WORTH, LEAST_WEIGHT } from './choose.ts';
import type { JointAnswers } from './heads.ts';
import { type JointRows, jointTruth, meanOf, rowLosses } from './joint-losses.ts';
import type { Trial } from './trial.ts';

/** What was chosen where the heads of a row hang together. */
export interface SelectedTogether {
  readonly choice: Choice;
  readonly losses: Choice['losses'];
  /** What it says of the held-out rows, by weights that were not fitted on them: (rows, heads). */
  readonly heldOut: Float64Array;
  /** One sentence each. */
  readonly notes: readonly string[];
}

/** Parts of the held-out rows, each of which is blended by weights of the others. */
const FOLDS = 5;

/**
 * Chooses by what the candidates said of the rows of one trial. Their scores are blended: one weight a candidate, the same for all
 * heads, fitted on these rows and drawn towards equal ones. Of classes the inverse of the weights' sum is a temperature.
 * @throws Error when nothing stands to choose from
 */
export function selectedTogether(
  candidates: readonly Candidate[],
  answers: JointAnswers,
  heads: number,
  trial: Trial,
): SelectedTogether {
  const rows = jointTruth(trial.outcomes, answers, heads);
  const tried = candidates.filter((one) => trial.logits.has(one));
  const plain = tried.filter((one) => one.family !== 'floor' && !one.formOf);
  if (plain.length === 0) throw new Error('none of the candidates applies');
  const said = (members: readonly Candidate[]) => members.map((one) => trial.logits.get(one)!);
  const form = dearerForm(tried, plain, rows, said);
  const pool = form ? plain.map((one) => (form.formOf === one ? form : one)) : plain;
  const weightsOfAll = weightsOf(rows, said(pool)).map((weight) => (weight < LEAST_WEIGHT ? 0 : weight));
  const any = weightsOfAll.some((weight) => weight > 0);
  const found = any ? weightsOfAll : pool.map(() => 1 / pool.length);
  const members = pool.filter((_, m) => found[m]! > 0);
  const weights = found.filter((weight) => weight > 0);
  const heldOut = acrossFolds(rows, said(members));
  const kept = members.length === 1 ? members[0]!.name : 'blend';
  const lossOf = (one: Candidate) => meanOf(rowLosses(rows, trial.logits.get(one)!));
  const losses = [
    ...pool.map((one) => ({ name: one.name, loss: lossOf(one) })),
    ...(members.length > 1 ? [{ name: 'blend', loss: meanOf(rowLosses(rows, heldOut)) }] : []),
  ];
  const task = { weights, slope: 1, intercept: 0 };
  const forms = tried.filter((one) => one.formOf && one !== form);
  return {
    choice: {
      members,
      tasks: Array.from({ length: heads }, () => task),
      kept,
      losses,
      corrections: [],
      unanswered: [],
      forms,
    },
    losses,
    heldOut,
    notes: notesOf(answers, kept, losses, members, weights, forms),
  };
}

function weightsOf({ answers, heads, truth }: JointRows, said: readonly ArrayLike<number>[]): number[] {
  return answers === 'number' ? fitNumberBlend(said, truth) : fitClassBlend(said, truth, heads);
}

/** What a blend says of each part of the rows by weights of the others. */
function acrossFolds(rows: JointRows, said: readonly Float32Array[]): Float64Array {
  const { truth, heads } = rows;
  const blended = new Float64Array(truth.length * heads);
  for (let fold = 0; fold < FOLDS; fold++) {
    const others = Array.from(truth.keys()).filter((row) => row % FOLDS !== fold);
    const learnt = others.length > 0 ? others : Array.from(truth.keys());
    const of = (own: Float32Array) =>
      Float32Array.from(
        { length: learnt.length * heads },
        (_, i) => own[learnt[Math.floor(i / heads)]! * heads + (i % heads)]!,
      );
    const weights = weightsOf(
      { ...rows, truth: Float64Array.from(learnt, (row) => truth[row]!) },
      said.map(of),
    );
    for (let row = fold; row < truth.length; row += FOLDS) {
      for (let i = row * heads; i < (row + 1) * heads; i++) {
        blended[i] = said.reduce((sum, own, m) => sum + weights[m]! * own[i]!, 0);
      }
    }
  }
  return blended;
}

/** The form of a member that lowers the loss of the whole most, if one does so clearly. */
function dearerForm(
  tried: readonly Candidate[],
  plain: readonly Candidate[],
  rows: JointRows,
  said: (members: readonly Candidate[]) => Float32Array[],
): Candidate | undefined {
  const forms = tried.filter((one) => one.formOf && plain.includes(one.formOf));
  if (forms.length === 0) return undefined;
  const before = rowLosses(rows, acrossFolds(rows, said(plain)));
  let best: { readonly form: Candidate; readonly gain: number } | undefined;
  for (const form of forms) {
    const members = plain.map((one) => (form.formOf === one ? form : one));
    const after = rowLosses(rows, acrossFolds(rows, said(members)));
    const gains = before.map((loss, i) => loss - after[i]!);
    const gain = meanOf(gains);
    const error = Math.sqrt(meanOf(gains.map((one) => (one - gain) ** 2)) / Math.max(1, gains.length - 1));
    if (gain >= FORM_WORTH && gain >= FORM_ERRORS * error && !(best && best.gain >= gain))
      best = { form, gain };
  }
  return best?.form;
}

function notesOf(
  answers: JointAnswers,
  kept: string,
  losses: Choice['losses'],
  members: readonly Candidate[],
  weights: readonly number[],
  forms: readonly Candidate[],
): string[] {
  const what = answers === 'number' ? 'squared error, in variances of the training rows,' : 'log loss';
  const told = losses.map(({ name, loss }) => `${name} ${loss.toFixed(4)}`).join(', ');
  const parts = members.map(({ name }, m) => `${name} ${weights[m]!.toFixed(2)}`).join(', ');
  const sum = weights.reduce((a, b) => a + b, 0);
  const scores = answers === 'number' ? 'numbers' : "classes' scores";
  return [
    `Kept: ${kept} (held-out ${what} ${told}).`,
    `Weights of the ${scores}: ${parts}${answers === 'number' ? '' : ` (temperature ${(1 / sum).toFixed(2)})`}.`,
    ...(forms.length > 0 ? [`Tried, not clearly better: ${forms.map(({ name }) => name).join(', ')}.`] : []),
  ];
}
