// Writes the tables of columns into docs/exports.md: node --import tsx test/docs/columns.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AUDIENCE_COLUMNS } from '../../lib/export/addresses.ts';
import { LIKELY_COLUMNS } from '../../lib/export/audiences.ts';
import { exportColumns } from '../../lib/export/columns.ts';
import { ITEM_COLUMNS } from '../../lib/export/items.ts';
import { tableColumns } from '../../lib/export/profiles/part.ts';
import type { ExportShape } from '../../lib/export/table.ts';
import { type Column, LISTS } from '../../lib/export/table-file.ts';
import { rowColumns, senderColumns, type UnlabelledAnswers } from '../../lib/export/unlabelled/columns.ts';

export const DOCUMENT = fileURLToPath(new URL('../../docs/exports.md', import.meta.url));

const TASK = '<task>';
const NONE: ExportShape = {
  ...{ tasks: [], values: [], uplifts: [], lists: [], listReasons: [], actions: [], forecasts: [] },
  ...{ asOf: null, modelVersion: '', controlShare: 0, id: 'user_id' },
};
const ACTION = {
  name: '',
  task: '',
  lift: 0,
  worth: 0,
  cost: 0,
} as unknown as ExportShape['actions'][number];

/** What a shape has beyond the columns of every row, in the order of the export. */
const USERS: readonly (readonly [string, Partial<ExportShape>])[] = [
  ['yes-or-no task', { tasks: [TASK] }],
  ['value task', { values: [TASK] }],
  ['uplift task', { uplifts: [{ name: TASK, least: 0 }] }],
  ['list task', { lists: [TASK], listReasons: [TASK] }],
  ['[`exports.actions`](config.md#actions)', { actions: [ACTION] }],
];
const FORMS = ['one-of', 'any-of', 'number'] as const;

const typeOf = ({ type, list }: Column): string =>
  list === undefined
    ? type
    : `LIST of STRUCT(${Object.entries(LISTS[list])
        .map(([name, of]) => `\`${name}\` ${of}`)
        .join(', ')})`;

const row = (column: Column, of?: string): string =>
  `| \`${column.name}\` | ${of === undefined ? '' : `${of} | `}${typeOf(column)} | ${column.means} |`;

const table = (columns: readonly Column[]): string[] => [
  '| column | Parquet type | meaning |',
  '|---|---|---|',
  ...columns.map((column) => row(column)),
];

/** Columns of a shape that the bare one does not have: they stand before the last column. */
function beyond(shape: Partial<ExportShape>): Column[] {
  const bare = exportColumns(NONE).length;
  const all = exportColumns({ ...NONE, ...shape });
  return all.slice(bare - 1, -1);
}

function users(): string[] {
  const bare = exportColumns(NONE);
  return [
    '| column | of | Parquet type | meaning |',
    '|---|---|---|---|',
    ...bare.slice(0, -1).map((column) => row(column, 'every row')),
    ...USERS.flatMap(([of, shape]) => beyond(shape).map((column) => row(column, of))),
    ...bare.slice(-1).map((column) => row(column, 'every row')),
  ];
}

const answers = (): string[] => [
  '| column | `answers` | Parquet type | meaning |',
  '|---|---|---|---|',
  ...FORMS.flatMap((form) =>
    beyond({ labelled: { task: TASK, form } }).map((column) => row(column, `\`${form}\``)),
  ),
];

/** The columns of every row, and between them those of each form of answers. */
function byForm(columnsOf: (answers: UnlabelledAnswers) => Column[]): string[] {
  const each = (['yes-no', ...FORMS] as const).map((form) => ({
    form,
    own: columnsOf({ task: TASK, form }),
  }));
  const isCommon = ({ name, means }: Column) =>
    each.every(({ own }) => own.some((column) => column.name === name && column.means === means));
  const common = each[0]!.own.filter(isCommon).map((column) => row(column, 'all'));
  return [
    '| column | `answers` | Parquet type | meaning |',
    '|---|---|---|---|',
    ...common.slice(0, -1),
    ...each.flatMap(({ form, own }) =>
      own.filter((column) => !isCommon(column)).map((column) => row(column, `\`${form}\``)),
    ),
    ...common.slice(-1),
  ];
}

const TABLES: Readonly<Record<string, () => string[]>> = {
  users,
  answers,
  unlabelled: () => byForm(rowColumns),
  'unlabelled users': () => byForm(senderColumns),
  demand: () => table(exportColumns({ ...NONE, id: 'item', forecasts: [TASK] })),
  items: () => table(ITEM_COLUMNS),
  profiles: () => table(tableColumns({ interests: true, anomaly: 1 })),
  audiences: () => table(AUDIENCE_COLUMNS),
  'named audiences': () => table(LIKELY_COLUMNS),
};

/** The document with the tables as the code has them. */
export function withColumns(document: string): string {
  return Object.entries(TABLES).reduce((text, [name, lines]) => {
    const begin = `<!-- columns of ${name}: written by \`node --import tsx test/docs/columns.ts\`; a test compares -->`;
    const from = text.indexOf(begin);
    const to = text.indexOf('<!-- end of columns -->', from);
    if (from < 0 || to < 0) throw new Error(`docs/exports.md has no place for the columns of ${name}`);
    return `${text.slice(0, from)}${begin}\n\n${lines().join('\n')}\n\n${text.slice(to)}`;
  }, document);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(DOCUMENT, withColumns(readFileSync(DOCUMENT, 'utf8')));
}
