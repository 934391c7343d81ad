import { CANDIDATES, type Candidate } from '../candidates/index.ts';
import type { FamilyOverRows } from '../family.ts';
import { featureWords, inWords, parseManifest } from '../shared/index.ts';
import { checkTable } from './check.ts';
import { labelTask } from './labelled.ts';
import { type TableModelManifest, tableManifest } from './manifest.ts';
import { tableOutcomes } from './outcomes.ts';
import { scoreTable } from './score.ts';
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
    } = parseManifest(tableManifest, files);
    const { kind, source, positive } = labelTask(config, name);
    const measured = validation?.[name];
    return {
      tasks: [
        {
          answers: 'chance',
          kind,
          name,
          question: `Does a row of the labelled table "${source}" have the label "${positive}"?`,
          of: positive,
          strengths: inWords(strengths[0], featureWords(config, encoder)),
          ...(measured ? { validation: measured } : {}),
        },
      ],
      leftOut: [],
      curve,
      pretraining: texts?.pretraining ?? [],
      selection,
      ...(comparison ? { comparison } : {}),
    };
  },
});
