import type { Source } from '../config/index.ts';
import { encodeArrow } from '../data/index.ts';
import { arrowField, type CellColumn, type Cells, cutBatches, readCells, type Sql } from './duckdb/index.ts';
import { rejectedRows, rejectionOf } from './judge.ts';
import { type TablePlan, VALUE } from './mapping/index.ts';
import type { Records } from './read/index.ts';

const READ: readonly CellColumn[] = [
  { name: 'n', type: 'int64', nullable: false },
  { name: 'bad', type: 'uint16', nullable: false },
  { name: 'about', type: 'text', nullable: true },
  { name: 'row_text', type: 'text', nullable: true },
];
const FIELDS = [
  { name: 'row', type: 'int64', nullable: false },
  { name: 'column', type: 'text', nullable: false },
  { name: 'reason', type: 'text', nullable: false },
  { name: 'text', type: 'text', nullable: true },
] as const;
/** Of a value, for people. */
const MOST_SHOWN = 200;

/** The quarantined rows as an Arrow file: row, column, reason, text; one batch. @param rows how many there are */
export async function assembleQuarantine(
  sql: Sql,
  records: Records,
  plan: TablePlan,
  source: Source,
  rows: number,
): Promise<Uint8Array> {
  await sql.run(`CREATE OR REPLACE TEMP TABLE quarantined AS ${rejectedRows(records, plan, source)}`);
  const read = await readCells(sql, 'quarantined', { from: 0, to: rows }, READ);
  const [n, bad, about, text] = READ.map(({ name }) => read.get(name) ?? NONE) as [
    Cells,
    Cells,
    Cells,
    Cells,
  ];
  const columns: string[] = [];
  const reasons: string[] = [];
  let at = 0;
  const bytes = Buffer.from(about.bytes ?? []);
  for (let row = 0; row < rows; row++) {
    const { column, reason, plain } = rejectionOf(plan, Number(bad.values[row]));
    const length = Number(about.values[row]);
    const value = about.valid?.[row] ? bytes.toString('utf8', at, at + length) : undefined;
    at += length;
    columns.push(column);
    reasons.push(reason.replace(VALUE, () => shown(value, plain)));
  }
  const fields = FIELDS.map((field) => arrowField(field));
  const cells = [n, textCells(columns), textCells(reasons), text];
  return encodeArrow(fields, cutBatches(fields, cells, [0, rows]));
}

const NONE: Cells = { values: new Int32Array() };

function shown(value: string | undefined, plain: boolean): string {
  if (value === undefined) return 'NULL';
  return plain ? value : `"${[...value.slice(0, 2 * MOST_SHOWN)].slice(0, MOST_SHOWN).join('')}"`;
}

function textCells(texts: readonly string[]): Cells {
  const encoded = texts.map((text) => Buffer.from(text, 'utf8'));
  return { values: Int32Array.from(encoded, ({ length }) => length), bytes: Buffer.concat(encoded) };
}
