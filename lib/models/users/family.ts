import type { Config } from '../../config/index.ts';
import { populationOf } from '../../features/index.ts';
import { CANDIDATES, type Candidate } from '../candidates/index.ts';
import type { ChanceTask } from '../description.ts';
import type { FamilyOverUsers } from '../family.ts';
import { askedOf, featureWords, inWords, parseManifest } from '../shared/index.ts';
import { checkUserTasks } from './check.ts';
import { type UsersModelManifest, usersManifest } from './manifest.ts';
import { userOutcomes } from './outcomes.ts';
import { openUsersScorer } from './score.ts';
import { usersTrials } from './select.ts';
import { trainUsers } from './train.ts';
import { userTask } from './user-rows.ts';

/**
 * Yes-or-no tasks over users, `event` and `absence`: one model answers all of them.
 * @param candidates the forms to choose from
 */
export const usersFamily = (
  candidates: readonly Candidate[] = CANDIDATES,
): FamilyOverUsers<UsersModelManifest> => ({
  over: 'users',
  manifest: usersManifest,
  check: checkUserTasks,
  train: (context) => trainUsers(context, candidates),
  trials: (context) => usersTrials(context, candidates),
  open: openUsersScorer,
  outcomes: userOutcomes,
  describe(files, config) {
    const manifest = parseManifest(usersManifest, files);
    const { trainedBefore, leftOut = [], scarce, curve, pretraining, selection, comparison } = manifest;
    return {
      trainedBefore,
      tasks: tasksOf(manifest, config),
      leftOut,
      ...(scarce ? { scarce } : {}),
      curve,
      pretraining,
      selection,
      ...(comparison ? { comparison } : {}),
    };
  },
});

function tasksOf(
  { heads, strengths, profile, validation }: UsersModelManifest,
  config: Config,
): ChanceTask[] {
  const words = featureWords(config, profile);
  return heads.map(({ task: name }, place) => {
    const task = userTask(config, name);
    const { who } = populationOf(task);
    const measured = validation?.[name];
    return {
      answers: 'chance',
      kind: task.kind,
      name,
      question: question(config, name),
      of: task.event,
      ...(who === 'buyers' || who === 'active' ? {} : { asks: who }),
      strengths: inWords(strengths[place], words),
      ...(measured ? { validation: measured } : {}),
    };
  });
}

/** "Will a customer buy within 30 days? Asked of everyone who has bought before." */
function question(config: Config, name: string): string {
  const task = userTask(config, name);
  const { event, horizonDays } = task;
  const population = populationOf(task);
  const buys = event === 'purchase';
  const customers = population.who === 'buyers' || population.who === 'active';
  const one = buys && customers ? 'a customer' : 'a user';
  const will =
    task.kind === 'event'
      ? buys
        ? `Will ${one} buy within ${horizonDays} days?`
        : `Will ${one} have an event "${event}" within ${horizonDays} days?`
      : buys
        ? `Will ${one} buy nothing for ${horizonDays} days, and so be lost?`
        : `Will ${one} have no event "${event}" for ${horizonDays} days?`;
  return `${will} Asked of everyone who ${askedOf(population, event)}.`;
}
