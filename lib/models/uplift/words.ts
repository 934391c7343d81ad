import type { Config, UpliftTask } from '../../config/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { TaskGroup } from '../../run/index.ts';
import type { ModelDescription } from '../description.ts';
import { featureWords, inWords, parseManifest } from '../shared/index.ts';
import { balanceSentence } from './balance.ts';
import { upliftManifest } from './manifest.ts';
import { upliftTask } from './uplift-task.ts';

/** What a model of effects tells of itself. */
export function describeUplift(files: ModelFiles, config: Config, _group: TaskGroup): ModelDescription {
  const manifest = parseManifest(upliftManifest, files);
  const { task: name, trainedBefore, encoder, strengths, validation, selection, arms, balance } = manifest;
  const task = upliftTask({ config }, name);
  const measured = validation[name];
  return {
    ...(trainedBefore === undefined ? {} : { trainedBefore }),
    tasks: [
      {
        answers: 'uplift',
        name,
        question: question(task),
        of: task.of,
        outcome: outcomeOf(task),
        ...(task.of === 'amount' && task.source === undefined && config.shop.currency
          ? { currency: config.shop.currency }
          : {}),
        treated: task.treated,
        control: task.control,
        least: task.least,
        leftOut: arms.leftOut.map(({ rows, why }) => `${rows} training rows: ${why}`),
        balance: balanceSentence(balance),
        strengths: inWords(strengths[0], featureWords(config, encoder)),
        ...(measured ? { validation: measured } : {}),
      },
    ],
    leftOut: [],
    curve: [],
    pretraining: [],
    selection,
  };
}

const listed = (arms: readonly string[]): string => arms.map((arm) => `"${arm}"`).join(' or ');

/** What is counted, in words. */
function outcomeOf({
  source,
  of,
  outcome = 'label',
  positive = '1',
  event = 'purchase',
}: UpliftTask): string {
  if (source !== undefined) return of === 'amount' ? outcome : `${outcome} is ${positive}`;
  return of === 'amount' ? `money of events "${event}"` : `an event "${event}"`;
}

/** "By how much does "mail" raise the chance of …, against "control"?" */
function question(task: UpliftTask): string {
  const what =
    task.source === undefined
      ? task.of === 'amount'
        ? `the ${outcomeOf(task)} within ${task.horizonDays} days`
        : `the chance of ${outcomeOf(task)} within ${task.horizonDays} days`
      : task.of === 'amount'
        ? `the expected ${outcomeOf(task)} of a row of "${task.source}"`
        : `the chance that ${outcomeOf(task)} in a row of "${task.source}"`;
  return `By how much does being treated by ${listed(task.treated)} raise ${what}, against ${listed(task.control)}?`;
}
