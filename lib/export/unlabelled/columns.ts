import { chanceColumns } from '../columns.ts';
import { type LabelledAnswers, labelColumns } from '../label-fields.ts';
import type { Column } from '../table-file.ts';

/** What a task says of rows without a label. */
export interface UnlabelledAnswers {
  readonly task: string;
  readonly form: 'yes-no' | LabelledAnswers['form'];
}

const MODEL: Column = { name: 'model_version', type: 'VARCHAR', means: 'as in the manifest' };
const AS_OF: Column = { name: 'as_of_day', type: 'DATE', means: 'as in `users`' };

/** The columns of `unlabelled-<task>`, in order; docs/exports.md has its table from here. */
export function rowColumns({ task, form }: UnlabelledAnswers): Column[] {
  return [
    { name: 'id', type: 'VARCHAR', means: "the shop's id of the row" },
    { name: 'user_id', type: 'VARCHAR', means: 'whose it is; NULL where the row names nobody' },
    AS_OF,
    { name: 'time', type: 'VARCHAR', means: 'when it came, ISO 8601 in UTC' },
    { name: 'day', type: 'DATE', means: 'the shop day of that time' },
    ...(form === 'yes-no' ? chanceColumns(task) : labelColumns({ task, form })),
    MODEL,
  ];
}

/** The columns of `unlabelled-users-<task>`, in order; docs/exports.md has its table from here. */
export function senderColumns({ task, form }: UnlabelledAnswers): Column[] {
  return [
    { name: 'user_id', type: 'VARCHAR', means: "the shop's id, opened from its pseudonym" },
    AS_OF,
    {
      name: 'control',
      type: 'BOOLEAN',
      means: 'held out of campaigns, see [Control group](#control-group)',
    },
    { name: `${task}_rows`, type: 'INTEGER', means: "the user's rows of the task's days" },
    { name: `${task}_last_id`, type: 'VARCHAR', means: 'the one that came last' },
    { name: `${task}_last_day`, type: 'DATE', means: 'its shop day' },
    ...answerColumns(task, form),
    MODEL,
  ];
}

function answerColumns(task: string, form: UnlabelledAnswers['form']): Column[] {
  const number = (part: string, means: string): Column => ({
    name: `${task}_${part}`,
    type: 'DOUBLE',
    means,
  });
  const values = (part: string, means: string): Column => ({
    ...{ name: `${task}_${part}`, type: 'VARCHAR', list: 'values' },
    means,
  });
  const ofEach = (what: string) => [
    values('mean', `all ${what} with the mean of their probability over the user's rows, highest first`),
    values('highest', `all ${what} with their highest probability in one of the rows, highest first`),
  ];
  switch (form) {
    case 'yes-no':
      return [
        number('last_probability', 'of the row that came last'),
        number('mean', "the mean over the user's rows"),
        number('highest', 'the highest of them'),
      ];
    case 'one-of':
      return [
        { name: `${task}_last_class`, type: 'VARCHAR', means: 'of the row that came last' },
        number('last_probability', 'the probability of that class'),
        ...ofEach('classes'),
      ];
    case 'any-of':
      return [
        values('last_labels', 'of the row that came last: labels with a probability of 0.5 or more'),
        ...ofEach('labels'),
      ];
    case 'number':
      return [
        number('last_number', 'of the row that came last'),
        number('mean', "the mean over the user's rows"),
        number('lowest', 'the lowest of them'),
        number('highest', 'the highest of them'),
      ];
  }
}
