import type { Config } from '../../config/index.ts';
import type { FamilyOverRows } from '../family.ts';
import { parseManifest } from '../shared/index.ts';
import { checkDemand } from './check.ts';
import { demandTask, things } from './demand-task.ts';
import { type DemandManifest, demandManifest } from './manifest.ts';
import { demandOutcomes } from './outcomes.ts';
import { scoreDemand } from './score.ts';
import { trainDemand } from './train.ts';

/** Tasks over items: how many units of each will be wanted. */
export const demandFamily: FamilyOverRows<DemandManifest> = {
  over: 'items',
  manifest: demandManifest,
  check: checkDemand,
  train: trainDemand,
  score: scoreDemand,
  outcomes: demandOutcomes,
  describe(files, config) {
    const { of, trainedBefore, models, leftOut, selection } = parseManifest(demandManifest, files);
    return {
      trainedBefore,
      tasks: models.map(({ task: name, validation }) => ({
        answers: 'forecast',
        name,
        question: question(config, name),
        of,
        ...(validation ? { validation } : {}),
      })),
      leftOut,
      curve: [],
      pretraining: [],
      selection,
    };
  },
};

function question(config: Config, name: string): string {
  const { of, event, horizonDays } = demandTask({ config }, name);
  const what = event === 'purchase' ? 'be sold' : `have events "${event}"`;
  return `How many units of the ${things(of)} will ${what} within ${horizonDays} days?`;
}
