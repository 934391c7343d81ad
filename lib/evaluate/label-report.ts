import type { LabelledTask, Outcomes } from '../models/index.ts';
import type { LabelledTaskReport } from '../report/index.ts';
import { classAssessment, labelAssessment, numberAssessment } from './label-metrics.ts';

/** What is told of every task: `ranked` are the rows that it scored. */
type Common = Pick<LabelledTaskReport, 'name' | 'description' | 'noOutcome' | 'ranked'>;

/** What the page tells of a task with classes, labels or a number. */
export function labelledReport(
  told: Common,
  task: LabelledTask,
  own: Outcomes | undefined,
): LabelledTaskReport {
  const common = { ...told, of: '', ...task.strengths };
  const answers = task.told;
  switch (answers.form) {
    case 'one-of': {
      const evaluation = own?.kind === 'one-of' ? { evaluation: classAssessment(own) } : {};
      return { ...common, kind: answers.form, ...evaluation, validation: answers.validation };
    }
    case 'any-of': {
      const evaluation = own?.kind === 'any-of' ? { evaluation: labelAssessment(own) } : {};
      return { ...common, kind: answers.form, ...evaluation, validation: answers.validation };
    }
    case 'number': {
      const evaluation = own?.kind === 'number' ? { evaluation: numberAssessment(own) } : {};
      return { ...common, kind: answers.form, ...evaluation, validation: answers.validation };
    }
  }
}
