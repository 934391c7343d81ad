import { formatDay } from '../../data/index.ts';
import { assessBinary, type BinaryAssessment, type Validation } from '../../engine/metrics/index.ts';
import { probabilityOf } from '../shared/index.ts';
import { Blended } from './blend.ts';
import type { Amount, Candidate, Fitted, Material } from './candidate.ts';
import { type Choice, choose } from './choose.ts';
import { type Comparison, comparisonOf, saidOf } from './comparison.ts';
import { taskRows } from './held-out.ts';
import { answeredAlone, unjudged } from './scarce.ts';
import { PriorsCandidate } from './tabular/index.ts';
import type { Trial } from './trial.ts';

/** What the trials came to, in the words and figures that a manifest keeps. */
export interface Selected {
  readonly choice: Choice;
  /** Log loss of the candidates, the mean over the tasks of the mean over all trials. */
  readonly losses: readonly { readonly name: string; readonly loss: number }[];
  /** All that were tried, over all trials. */
  readonly comparison: Comparison;
  readonly validation: Record<string, Validation<BinaryAssessment>>;
  /** One sentence each. */
  readonly notes: string[];
}

/** What a choice is made among, and for. */
export interface Asked {
  readonly candidates: readonly Candidate[];
  readonly tasks: readonly string[];
  /** Days of each task's window; 0 where there is none. */
  readonly horizons: readonly number[];
  /** What is held out where no day is. */
  readonly by: 'users' | 'rows';
  /** Per task, how much there is to learn from; absent where that is no question. */
  readonly data?: readonly Amount[];
}

/** Chooses by trials, and tells what was chosen and why. @param trials at least one, ascending by day */
export function selected(asked: Asked, trials: readonly Trial[]): Selected {
  const { candidates, tasks, by } = asked;
  const choice = chosen(asked, trials);
  const blend = {
    name: 'blend',
    reads: [...new Set(choice.members.flatMap(({ reads }) => reads))],
    logits: (trial: Trial) => chosenLogits(choice, trial),
  };
  const compared = [...saidOf(candidates), ...(choice.kept === 'blend' ? [blend] : [])];
  return {
    choice,
    losses: choice.losses,
    comparison: comparisonOf(trials, compared, tasks, choice.kept),
    validation: validationOf(choice, trials, tasks, by),
    notes: notesOf(
      choice,
      tasks,
      trials.some(({ day }) => day !== null),
    ),
  };
}

/** Tasks that there is too little data for are answered by what is believed beforehand alone. */
function chosen({ candidates, horizons, data = [] }: Asked, trials: readonly Trial[]): Choice {
  const alone = horizons.map((_, task) => data[task] === 'too few');
  const priors = candidates.find((one) => one instanceof PriorsCandidate);
  if (!priors || !alone.includes(true)) return choose(candidates, trials, horizons);
  // Where a kind of event is new, nothing could be said of it at any past day.
  if (!alone.includes(false) && !trials.some(({ logits }) => logits.has(priors))) {
    return unjudged(priors, horizons.length);
  }
  return answeredAlone(choose(candidates, trials, horizons), priors, alone);
}

/** Fits what was chosen, and tells of tasks that none of it could learn. */
export async function fitChosen(
  { members, tasks }: Choice,
  material: Material,
): Promise<{ readonly fitted: Fitted; readonly notes: string[] }> {
  const fittings: { candidate: Candidate; fitted: Fitted }[] = [];
  for (const candidate of members) {
    material.progress(`fitting ${candidate.name}`);
    fittings.push({ candidate, fitted: await candidate.fit(material, fittings) });
  }
  const fitted = await Blended.of(
    fittings.map(({ fitted }) => fitted),
    tasks,
    material,
  );
  const notes = fitted.unanswered.map(
    (t) =>
      `Too few outcomes of either kind to learn ${material.heads[t]!.task} from by ${namesOf(members)}: everybody gets the base ` +
      "rate. Other families, such as 'network', need fewer.",
  );
  notes.forEach(material.progress);
  return { fitted, notes: [...notes, ...fitted.notes] };
}

/** What the choice says of a trial's rows, (rows, tasks). */
export function chosenLogits({ members, tasks }: Choice, { logits, outcomes }: Trial): Float32Array {
  const said = members.map((one) => logits.get(one));
  return Float32Array.from({ length: outcomes.length }, (_, i) => {
    const { weights, slope, intercept } = tasks[i % tasks.length]!;
    let blended = 0;
    weights.forEach((weight, m) => {
      if (weight > 0) blended += weight * (said[m]?.[i] ?? Number.NaN);
    });
    return slope * blended + intercept;
  });
}

/** Figures of the tasks that have held-out rows, over all trials. */
function validationOf(
  choice: Choice,
  trials: readonly Trial[],
  tasks: readonly string[],
  by: Asked['by'],
): Record<string, Validation<BinaryAssessment>> {
  const said = trials.map((trial) => chosenLogits(choice, trial));
  return Object.fromEntries(
    tasks.flatMap((task, t) => {
      const labels: number[] = [];
      const probabilities: number[] = [];
      const users: number[] = [];
      const days: number[] = [];
      trials.forEach((trial, i) => {
        const rows = taskRows(said[i]!, trial.outcomes, tasks.length, t);
        if (rows.labels.length === 0) return;
        labels.push(...rows.labels);
        for (const logit of rows.logits) probabilities.push(probabilityOf(logit));
        for (const at of rows.at) users.push(trial.users[at]!);
        if (trial.day !== null) days.push(trial.day);
      });
      if (labels.length === 0) return [];
      const held =
        days.length > 0
          ? {
              by: 'day' as const,
              days: [formatDay(Math.min(...days)), formatDay(Math.max(...days))] as const,
            }
          : { by, days: null };
      return [[task, { ...held, assessment: assessBinary(labels, probabilities, users) }]];
    }),
  );
}

const namesOf = (candidates: readonly Candidate[]): string => candidates.map(({ name }) => name).join(', ');

/** @param dated was any task judged at past days? Without them there is no level to speak of */
function notesOf(
  { kept, losses, members, tasks, corrections, unanswered, forms }: Choice,
  names: readonly string[],
  dated: boolean,
): string[] {
  const told = losses.map(({ name, loss }) => `${name} ${loss.toFixed(4)}`).join(', ');
  // One model alone may be weighed, too: a weight below 1 makes it less bold.
  const weights = tasks.flatMap(({ weights }, t) => {
    if (members.length === 1 && weights[0] === 1) return [];
    const parts = members.flatMap(({ name }, m) =>
      weights[m]! > 0 ? [`${name} ${weights[m]!.toFixed(2)}`] : [],
    );
    return [`Weights of the logits for ${names[t]}: ${parts.join(', ')}.`];
  });
  return [
    `Kept: ${kept} (held-out log loss ${told || 'of none: too few windows were over, or outcomes of either kind'}).`,
    ...weights,
    ...unanswered.flatMap((own, t) =>
      own.length > 0
        ? [`Not judged for ${names[t]}: ${namesOf(own)} (too few outcomes of either kind to learn from).`]
        : [],
    ),
    ...(forms.length > 0 ? [`Tried at one trial, not clearly better: ${namesOf(forms)}.`] : []),
    ...(dated ? corrections : []).map((one, t) => {
      const { slope, intercept, loss, none } = one;
      return none
        ? `The level of ${names[t]} is not corrected: ${none}.`
        : `The level of ${names[t]} is corrected by slope ${slope.toFixed(3)} and intercept ${intercept.toFixed(3)}: log loss ` +
            `at cut-offs that the correction was kept from ${loss.corrected.toFixed(4)}, without it ${loss.plain.toFixed(4)}.`;
    }),
  ];
}
