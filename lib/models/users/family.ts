import type { Config } from '../../config/index.ts';
import { CANDIDATES, type Candidate } from '../candidates/index.ts';
import type { ChanceTask, FamilyOverUsers } from '../family.ts';
import { featureWords, inWords, parseManifest } from '../shared/index.ts';
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
    const { trainedBefore, leftOut = [], curve, pretraining, selection, comparison } = manifest;
    return {
      trainedBefore,
      tasks: tasksOf(manifest, config),
      leftOut,
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
    const { kind, event } = userTask(config, name);
    const measured = validation?.[name];
    return {
      answers: 'chance',
      kind,
      name,
      question: question(config, name),
      of: event,
      strengths: inWords(strengths[place], words),
      ...(measured ? { validation: measured } : {}),
    };
  });
}

function question(config: Config, name: string): string {
  const task = userTask(config, name);
  const { event, horizonDays } = task;
  if ('activeDays' in task) {
    return event === 'purchase'
      ? `Will a customer buy nothing for ${horizonDays} days, and so be lost? Asked of everyone who has bought in the last ${task.activeDays} days.`
      : `Will a user have no event "${event}" for ${horizonDays} days? Asked of everyone who has had one in the last ${task.activeDays} days.`;
  }
  return event === 'purchase'
    ? `Will a customer buy within ${horizonDays} days? Asked of everyone who has bought before.`
    : `Will a user have an event "${event}" within ${horizonDays} days? Asked of everyone who has had one before.`;
}
