import type { LabelledTask, Outcomes } from '../models/index.ts';
import type { LabelledTaskReport } from '../report/index.ts';
import { classAssessment, labelAssessment, numberAssessment } from './label-metrics.ts';

type Report = Omit<LabelledTaskReport, 'name' | 'description'>;

/** What the page tells of a task with classes, labels or a number. @param ranked rows that it scored */
export function labelledReport(
  { told, strengths }: LabelledTask,
  own: Outcomes | undefined,
  ranked: number,
): Report {
  const common = { of: '', ranked, ...strengths };
  switch (told.form) {
    case 'one-of': {
      const evaluation = own?.kind === 'one-of' ? { evaluation: classAssessment(own) } : {};
      return { ...common, kind: told.form, ...evaluation, validation: told.validation };
    }
    case 'any-of': {
      const evaluation = own?.kind === 'any-of' ? { evaluation: labelAssessment(own) } : {};
      return { ...common, kind: told.form, ...evaluation, validation: told.validation };
    }
    case 'number': {
      const evaluation = own?.kind === 'number' ? { evaluation: numberAssessment(own) } : {};
      return { ...common, kind: told.form, ...evaluation, validation: told.validation };
    }
  }
}
