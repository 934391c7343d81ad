import type { Config } from '../../config/index.ts';
import type { FamilyOverUsers } from '../family.ts';
import { parseManifest } from '../shared/index.ts';
import { checkListTask } from './check.ts';
import { type NextModelManifest, nextManifest } from './manifest.ts';
import { nextTask } from './next-task.ts';
import { nextOutcomes } from './outcomes.ts';
import { rulesInWords } from './rules.ts';
import { openNextScorer } from './score.ts';
import { trainNext } from './train.ts';
import { tryLists } from './trials.ts';

/** List tasks: what a user will take next. Each has a ranker of its own. */
export const nextFamily: FamilyOverUsers<NextModelManifest> = {
  over: 'users',
  manifest: nextManifest,
  check: checkListTask,
  train: trainNext,
  listTrials: tryLists,
  open: openNextScorer,
  outcomes: nextOutcomes,
  describe(files, config) {
    const manifest = parseManifest(nextManifest, files);
    const { task: name, validation, trainedBefore, curve, selection } = manifest;
    const task = nextTask({ config }, name);
    const { of, k } = task;
    const measured = validation?.[name];
    return {
      trainedBefore,
      tasks: [
        {
          answers: 'list',
          name,
          question: question(config, name),
          of,
          k,
          others: manifest.others ?? [],
          attributes: manifest.attributes ?? [],
          rules: rulesInWords(task),
          validatedBy: manifest.rules ?? [],
          audiences: Object.entries(manifest.audiences ?? {}).map(([name, audience]) => ({
            ...{ name, value: audience.value },
            ...('why' in audience ? { why: audience.why } : {}),
            ...('validation' in audience ? { validation: audience.validation } : {}),
          })),
          ...(measured ? { validation: measured } : {}),
        },
      ],
      leftOut: [],
      curve,
      pretraining: [],
      selection,
    };
  },
};

function question(config: Config, name: string): string {
  const { of, event, horizonDays, k } = nextTask({ config }, name);
  const what = of === 'item' ? 'items' : `values of "${of}"`;
  return `Which ${what} will a customer's next events "${event}" be of, within ${horizonDays} days? A list of ${k} for each.`;
}
