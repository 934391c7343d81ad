import type { Config } from '../../config/index.ts';
import { CANDIDATES, type Candidate } from '../candidates/index.ts';
import type { ModelDescription } from '../description.ts';
import type { FamilyOverRows } from '../family.ts';
import { featureWords, inWords, parseManifest, type TaskStrengths } from '../shared/index.ts';
import { checkTable } from './check.ts';
import { labelTask } from './labelled.ts';
import { type TableModelManifest, tableManifest } from './manifest.ts';
import { tableOutcomes } from './outcomes.ts';
import { scoreTable, scoreUnlabelled } from './score.ts';
import { servedTable } from './served.ts';
import { tableTrials, trainTable } from './train.ts';

/**
 * Tasks over the rows of a labelled table: each has a model of its own.
 * @param candidates the forms to choose from
 */
export const tableFamily = (
  candidates: readonly Candidate[] = CANDIDATES,
): FamilyOverRows<TableModelManifest> => ({
  over: 'rows',
  manifest: tableManifest,
  check: checkTable,
  train: (context) => trainTable(context, candidates),
  trials: (context) => tableTrials(context, candidates),
  score: scoreTable,
  scoreUnlabelled,
  served: servedTable,
  outcomes: tableOutcomes,
  describe(files, config) {
    const {
      task: name,
      encoder,
      strengths,
      validation,
      curve,
      selection,
      comparison,
      texts,
      told,
    } = parseManifest(tableManifest, files);
    return {
      tasks: [
        described(config, name, inWords(strengths[0], featureWords(config, encoder)), { told, validation }),
      ],
      leftOut: [],
      curve,
      pretraining: texts?.pretraining ?? [],
      selection,
      ...(comparison ? { comparison } : {}),
    };
  },
});

function described(
  config: Config,
  name: string,
  strengths: TaskStrengths,
  { told, validation }: { [K in 'told' | 'validation']: TableModelManifest[K] | undefined },
): ModelDescription['tasks'][number] {
  const { kind, source, positive } = labelTask(config, name);
  if (!told) {
    const measured = validation?.[name];
    const question = `Does a row of the labelled table "${source}" have the label "${positive}"?`;
    return {
      answers: 'chance',
      kind,
      name,
      question,
      of: positive,
      strengths,
      ...(measured ? { validation: measured } : {}),
    };
  }
  const question = {
    'one-of': `Which class is a row of the labelled table "${source}" of?`,
    'any-of': `Which labels has a row of the labelled table "${source}"?`,
    number: `Which number has a row of the labelled table "${source}"?`,
  }[told.form];
  return { answers: 'labels', name, question, told, strengths };
}
