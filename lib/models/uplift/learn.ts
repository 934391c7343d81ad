import { assessUplift } from '../../engine/metrics/index.ts';
import type { UpliftValidation } from '../effects.ts';
import type { FitRun } from './base-model.ts';
import { chooseForm, judgeForms, levelled, meanOver, type Trial } from './choose.ts';
import { armsOf, crossFit, fitForms } from './cross-fit.ts';
import { meanPropensity, tLearner } from './learners.ts';
import type { UpliftTable } from './rows.ts';
import { meanOf, plus, predictSum, type SumModel, times } from './sum-model.ts';

/** What was learnt of the effect of a treatment. */
export interface LearntUplift {
  /** Expected outcome of a treated row less that of a row of the control. */
  readonly effect: SumModel;
  /** Expected outcome of either arm, which differ by the effect. */
  readonly control: SumModel;
  readonly treated: SumModel;
  readonly losses: readonly { readonly name: string; readonly loss: number }[];
  readonly notes: readonly string[];
  /** Of rows that the models had not seen, at the level and the spread that were chosen by them. */
  readonly validation: UpliftValidation;
}

/** Forms that a note names. */
const NAMED = 4;

/**
 * Learns the effect of a treatment: all learners are tried on folds of users, the form that is closest to doubly robust
 * pseudo-outcomes of rows that it has not seen is fitted on all rows, and its level and spread are those that fit held-out rows.
 * @param table of rows that chance put into arms
 * @param options.least the gain above which a row is persuadable
 */
export async function learnUplift(
  table: UpliftTable,
  { run, least, progress }: { run: FitRun; least: number; progress: (text: string) => void },
): Promise<LearntUplift> {
  const crossFitted = await crossFit(table, run, (text) => progress(`choosing: ${text}`));
  const trials = judgeForms(crossFitted);
  const best = chooseForm(trials, crossFitted);
  progress(`fitting: ${best.name}`);
  const arms = await armsOf(table, run);
  const forms = await fitForms(table, arms, crossFitted.pseudo, run, new Set(best.members));
  const mean = meanOf([...forms.values()]);
  const told = predictSum(mean, table.values, table.columns);
  const centre = told.reduce((sum, one) => sum + one, 0) / told.length;
  const effect = times(plus(mean, constant(best.level / best.slope - centre)), best.slope);
  // What is expected of a row whatever its arm is known better than the difference between arms.
  const share = meanPropensity(table);
  const level = meanOf(
    [...arms.values()].map((own) => {
      const [treated, control] = tLearner(own).terms.map(({ base }) => ({
        constant: 0,
        terms: [{ factor: 1, base }],
      }));
      return plus(times(treated!, share), times(control!, 1 - share));
    }),
  );
  const predictions = levelled(best, meanOver(best.members, crossFitted.effects));
  return {
    effect,
    control: plus(level, times(effect, -share)),
    treated: plus(level, times(effect, 1 - share)),
    losses: trials.map(({ name, loss }) => ({ name, loss })),
    notes: notesOf(trials, best),
    validation: {
      by: 'rows',
      days: null,
      assessment: assessUplift(
        { predictions, treated: table.treated, outcomes: table.outcomes },
        { least, users: table.unit },
      ),
    },
  };
}

const constant = (value: number): SumModel => ({ constant: value, terms: [] });

function notesOf(trials: readonly Trial[], best: Trial): string[] {
  const listed = trials.slice(0, NAMED).map(({ name, loss }) => `${name} ${loss.toPrecision(3)}`);
  return [
    `Chosen on training rows by models of other users: the form whose effects are closest to doubly robust pseudo-outcomes, in mean ` +
      `squared differences less those of one effect for all (below 0 is better): ${listed.join(', ')}${trials.length > NAMED ? ' and others behind them' : ''}.`,
    best.loss < 0
      ? `Kept: ${best.name}${best === trials[0] ? '' : ', which is within a standard error of the best'}; its differences between rows times ${best.slope.toFixed(2)}, as fits held-out rows.`
      : `Kept: ${best.name}. Held-out rows show no differences between effects that could be learnt: the order is a guess, and all effects are told close to their mean.`,
  ];
}
