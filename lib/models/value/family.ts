import type { Config } from '../../config/index.ts';
import { populationOf } from '../../features/index.ts';
import type { FamilyOverUsers } from '../family.ts';
import { askedOf, featureWords, inWords, parseManifest } from '../shared/index.ts';
import { BASE_NAMES } from './base-columns.ts';
import { checkValueTask } from './check.ts';
import { type ValueModelManifest, valueManifest } from './manifest.ts';
import { valueOutcomes } from './outcomes.ts';
import { openValueScorer } from './score.ts';
import { trainValue } from './train.ts';
import { valueTask } from './value-task.ts';

/** What users will be worth within a horizon. Each task has a model of its own. */
export const valueFamily: FamilyOverUsers<ValueModelManifest> = {
  over: 'users',
  manifest: valueManifest,
  check: checkValueTask,
  train: trainValue,
  open: openValueScorer,
  outcomes: valueOutcomes,
  describe(files, config) {
    const manifest = parseManifest(valueManifest, files);
    const { task: name, trainedBefore, selection, profile, strengths, validation } = manifest;
    const task = valueTask({ config }, name);
    const words = new Map([
      ...featureWords(config, profile),
      ...BASE_NAMES.map((one) => [one.name, one.words] as const),
    ]);
    const measured = validation?.[name];
    return {
      trainedBefore,
      tasks: [
        {
          answers: 'value',
          name,
          question: question(config, name),
          of: task.of,
          ...(task.of === 'money' && config.shop.currency ? { currency: config.shop.currency } : {}),
          strengths: inWords(strengths[0], words),
          ...(measured ? { validation: measured } : {}),
        },
      ],
      leftOut: [],
      curve: [],
      pretraining: [],
      selection,
    };
  },
};

/** "How much money will a customer spend within 90 days? Asked of everyone who has bought before." */
function question(config: Config, name: string): string {
  const task = valueTask({ config }, name);
  const { event, horizonDays, of } = task;
  const buys = event === 'purchase';
  const what = {
    money: buys
      ? 'How much money will a customer spend'
      : `How much money will a user's events "${event}" come to`,
    orders: buys ? 'How often will a customer order' : `How often will a user have an event "${event}"`,
    units: buys
      ? 'How many units will a customer buy'
      : `How many units will a user's events "${event}" be of`,
  }[of];
  return `${what} within ${horizonDays} days? Asked of everyone who ${askedOf(populationOf(task), event)}.`;
}
