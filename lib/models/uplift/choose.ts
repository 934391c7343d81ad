import { BASE_KINDS } from './base-model.ts';
import { type CrossFitted, FORMS } from './cross-fit.ts';

/** A form of the model of effects: the mean of some learners, brought to the level and the spread that fit held-out rows. */
export interface Chosen {
  readonly name: string;
  /** Of `FORMS`. */
  readonly members: readonly string[];
  /** effect = level + slope x (mean of the members, less its own mean) */
  readonly level: number;
  readonly slope: number;
}

/** What a form did on held-out rows. */
export interface Trial extends Chosen {
  /** Mean squared difference from doubly robust pseudo-outcomes, less that of one effect for all: below 0 where it is better. */
  readonly loss: number;
}

/** Differences between effects are never blown up by more, and their order is kept where nothing speaks for them. */
const SLOPES = { least: 0.05, most: 2 } as const;

const ALL = 'mean of all';

/** Means of learners that are compared beside the single ones. */
const MEANS = [
  { name: ALL, members: FORMS.map(({ name }) => name) },
  ...BASE_KINDS.map((kind) => ({
    name: `mean of those over ${kind === 'linear' ? 'planes' : 'trees'}`,
    members: FORMS.filter((form) => form.kind === kind).map(({ name }) => name),
  })),
];

/**
 * Judges the forms by what they say of rows that they have not seen: the mean squared difference from doubly robust
 * pseudo-outcomes, which is that from the true effects and a part that no form changes (Kennedy 2023; Saito & Yasui 2020 choose
 * models by it).
 * @returns best first
 */
export function judgeForms({ pseudo, centred, effects }: CrossFitted): Trial[] {
  const forms = [...FORMS.map(({ name }) => ({ name, members: [name] })), ...MEANS];
  const level = pseudo.reduce((sum, one) => sum + one, 0) / pseudo.length;
  return forms
    .map(({ name, members }) => ({ name, members, level, ...judged(centred, meanOver(members, effects)) }))
    .sort((a, b) => a.loss - b.loss);
}

/**
 * The best of judged forms; the mean of all learners where it is within a standard error of it, as single learners win by luck
 * more often and are off by more.
 */
export function chooseForm(trials: readonly Trial[], { centred, effects }: CrossFitted): Trial {
  const best = trials[0]!;
  const all = trials.find(({ name }) => name === ALL)!;
  const [own, others] = [best, all].map((trial) => {
    const told = meanOver(trial.members, effects);
    return centred.map((pseudo, i) => (pseudo - trial.slope * told[i]!) ** 2);
  });
  const n = centred.length;
  const gap = all.loss - best.loss;
  const variance = own!.reduce((sum, loss, i) => sum + (others![i]! - loss - gap) ** 2, 0) / n;
  return gap <= Math.sqrt(variance / n) ? all : best;
}

/** Mean of what some forms say of each row. */
export function meanOver(
  members: readonly string[],
  effects: ReadonlyMap<string, Float64Array>,
): Float64Array {
  const each = members.map((name) => effects.get(name)!);
  return each[0]!.map((_, i) => each.reduce((sum, own) => sum + own[i]! / each.length, 0));
}

/** What a chosen form says. @param deviations of the mean of its members from its own mean */
export const levelled = ({ level, slope }: Chosen, deviations: Float64Array): Float64Array =>
  deviations.map((one) => level + slope * one);

function judged(pseudo: Float64Array, told: Float64Array): { slope: number; loss: number } {
  const n = pseudo.length;
  let [products, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    products += (pseudo[i]! * told[i]!) / n;
    squares += told[i]! ** 2 / n;
  }
  const fitting = squares > 0 ? products / squares : 0;
  const slope = Math.min(SLOPES.most, Math.max(SLOPES.least, fitting));
  return { slope, loss: slope * slope * squares - 2 * slope * products };
}
