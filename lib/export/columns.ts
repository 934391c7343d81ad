import { labelColumns } from './label-fields.ts';
import { type ExportShape, ofItems } from './table.ts';
import type { Column } from './table-file.ts';

/**
 * The columns that readers of the export see, in order, with what they mean: docs/exports.md has its tables from here. The path
 * says `as_of` and `run`: no column has these names, so that a reader may take both from it.
 */
export function exportColumns(shape: ExportShape): Column[] {
  const { tasks, values, uplifts, lists, listReasons, actions, forecasts, labelled } = shape;
  return [
    ...rowColumns(shape),
    ...tasks.flatMap(chanceColumns),
    ...values.flatMap(valueColumns),
    ...uplifts.flatMap(({ name }) => upliftColumns(name)),
    ...lists.flatMap((task) => listColumns(task, listReasons.includes(task))),
    ...(actions.length > 0 ? ACTIONS : []),
    ...forecasts.flatMap(forecastColumns),
    ...(labelled ? labelColumns(labelled) : []),
    { name: 'model_version', type: 'VARCHAR', means: 'as in the manifest' },
  ];
}

const IDS: Readonly<Record<ExportShape['id'], Pick<Column, 'type' | 'means'>>> = {
  user_id: { type: 'VARCHAR', means: "the shop's id, opened from its pseudonym" },
  row_id: { type: 'INTEGER', means: "the row's number in its file from 0, header not counted" },
  item: { type: 'VARCHAR', means: "the shop's id of the item" },
  category: { type: 'VARCHAR', means: 'the value of the attribute' },
};

function rowColumns(shape: ExportShape): Column[] {
  const { id } = shape;
  return [
    { name: id, ...IDS[id] },
    {
      name: 'as_of_day',
      type: 'DATE',
      means:
        'what is known is of the shop days before it; the same day as `as_of` in the path, NULL in labelled tables',
    },
    ...(ofItems(shape)
      ? []
      : [
          {
            name: 'control',
            type: 'BOOLEAN',
            means: 'held out of campaigns, see [Control group](#control-group)',
          } as const,
        ]),
  ];
}

const decile = (task: string, of: string): Column => ({
  name: `${task}_decile`,
  type: 'INTEGER',
  means: `1 (highest ${of}) to 10, of those the task asks about`,
});
const rank = (task: string, of: string): Column => ({
  name: `${task}_rank`,
  type: 'INTEGER',
  means: `1 is the highest ${of}`,
});
const reasons = (task: string, of: string): Column => ({
  name: `${task}_reasons`,
  type: 'VARCHAR',
  list: 'values',
  means: `strongest first, \`exports.reasons\` of them: parts of ${of}`,
});

/** The columns of a task that answers yes or no. */
export const chanceColumns = (task: string): Column[] => [
  { name: `${task}_probability`, type: 'DOUBLE', means: "chance that the task's question is answered yes" },
  decile(task, 'probability'),
  rank(task, 'probability'),
  reasons(task, 'the logit'),
];

const valueColumns = (task: string): Column[] => [
  {
    name: `${task}_value`,
    type: 'DOUBLE',
    means: "what the user's window will come to in the mean, in major units of money, orders or units",
  },
  {
    name: `${task}_low`,
    type: 'DOUBLE',
    means:
      'lower end of an interval that holds 80 % of what may come; NULL where too few windows were over to learn it, or too few of them came to anything',
  },
  { name: `${task}_high`, type: 'DOUBLE', means: 'upper end of it' },
  decile(task, 'value'),
  rank(task, 'value'),
  {
    name: `${task}_alive`,
    type: 'DOUBLE',
    means:
      'chance that the user is a customer still, by the model of the customer base; NULL of who bought on one day only or never: the model lets nobody leave before a second purchase',
  },
  {
    name: `${task}_next_day`,
    type: 'DATE',
    means:
      'the day by which half of the customers with this history have bought again, if they are customers still; NULL of who never bought',
  },
  reasons(task, 'the logarithm of the value'),
];

const upliftColumns = (task: string): Column[] => [
  {
    name: `${task}_uplift`,
    type: 'DOUBLE',
    means:
      'expected outcome when treated less that without: of a chance between -1 and 1, else in the unit of the outcome',
  },
  {
    name: `${task}_control`,
    type: 'DOUBLE',
    means:
      'what is expected without the treatment; chances are kept between 0 and 1, so that the two may differ by less than the uplift',
  },
  { name: `${task}_treated`, type: 'DOUBLE', means: 'what is expected with it' },
  { name: `${task}_persuadable`, type: 'BOOLEAN', means: "the uplift is above the task's `least`" },
  decile(task, 'uplift'),
  rank(task, 'uplift'),
  reasons(task, 'the uplift'),
];

const listColumns = (task: string, withReasons: boolean): Column[] => [
  {
    name: `${task}_top`,
    type: 'VARCHAR',
    list: 'values',
    means: 'up to `k` items or categories, best first',
  },
  ...(withReasons
    ? [
        {
          name: `${task}_top_reasons`,
          type: 'VARCHAR',
          list: 'reasons',
          means: 'with [`exports.listReasons`](#reasons-and-lists): why each entry stands in the list',
        } satisfies Column,
      ]
    : []),
];

const ACTIONS: readonly Column[] = [
  {
    name: 'next_action',
    type: 'VARCHAR',
    means:
      'the action with the highest expected gain; NULL where none gains anything. Users of the control group have one, too: leave them out',
  },
  { name: 'next_action_gain', type: 'DOUBLE', means: 'that gain' },
];

const forecastColumns = (task: string): Column[] => [
  {
    name: `${task}_units`,
    type: 'DOUBLE',
    means: "units that are expected within the task's horizon",
  },
  { name: `${task}_low`, type: 'DOUBLE', means: 'with a chance of 10 % it will be less' },
  { name: `${task}_high`, type: 'DOUBLE', means: 'with a chance of 10 % it will be more' },
  {
    name: `${task}_stockout`,
    type: 'DOUBLE',
    means: 'chance that more is wanted than is in stock; NULL where the stock is not known',
  },
];
