import { contentId } from '../../lib/data/index.ts';
import type { Cell, Letters } from './cells.ts';
import { noiseCell } from './cells.ts';
import { type Packing, packed } from './containers.ts';
import { Names } from './names.ts';
import { type ParquetFile, parquetFile } from './parquet.ts';
import { Draw } from './random.ts';
import { drawTable, type TableDraft } from './tables.ts';
import { type CsvStyle, csvText, type Encoding, encoded, type Flaw, jsonText } from './write.ts';

/** When every file was dropped. */
const DROPPED_AT = Date.UTC(2026, 5, 1);

/** A file, and all that the config says of it: one comparison. */
export interface Case {
  readonly seed: number;
  /** As `nightjar.config.ts` has it. */
  readonly source: Readonly<Record<string, unknown>>;
  readonly shop: { readonly timeZone: string; readonly currency?: string };
  /** Of the dropped object. */
  readonly key: string;
  readonly prefix: string;
  readonly droppedAt: number;
  /** What pyarrow shall write, where the file is parquet. */
  readonly parquet?: ParquetFile;
  /** The file otherwise, and its text before it was encoded and packed. */
  readonly bytes?: Buffer;
  readonly text?: string;
}

const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'UTC', 'Australia/Lord_Howe'];

/** Draws the file of a seed. */
export function generate(seed: number): Case {
  const draw = new Draw(seed);
  const format = draw.pick(['csv', 'csv', 'jsonl', 'parquet'] as const);
  const latin = format === 'csv' && draw.chance(0.12);
  const names = new Names(draw, latin);
  const letters: Letters = latin ? 'latin' : 'all';
  const currency = draw.pick([undefined, 'EUR', 'JPY', 'KWD']);
  const shop = { timeZone: draw.pick(ZONES), ...(currency && { currency }) };
  const table = drawTable(draw, { format, letters, names, currency });
  const folder = draw.chance(0.1) ? `day=2024-05-01/shop%20no=${draw.int(1, 3)}/` : '';
  const source = { ...table.source, format };
  const known = {
    seed,
    shop,
    key: `drop/shop/${folder}part-${draw.int(0, 9)}.${format}`,
    prefix: 'shop/',
    droppedAt: DROPPED_AT,
  };
  if (format === 'parquet') return { ...known, source, parquet: parquetFile(draw, table) };
  const rows = drawRows(draw, table);
  addNoise(draw, names, table, rows, letters);
  if (format === 'csv') return { ...known, ...csvCase(draw, table, rows, source, latin) };
  const style = {
    lineEnd: draw.pick(['\n', '\n', '\r\n', 'mixed'] as const),
    escapes: draw.chance(0.2),
    sparse: draw.chance(0.3),
    flawed: draw.chance(0.25),
    lastLineEnd: draw.chance(0.85),
  };
  const text = jsonText(
    draw,
    table.columns.map(({ name }) => name),
    rows,
    style,
  );
  const encoding = draw.chance(0.1) ? 'utf-8 with mark' : 'utf-8';
  return { ...known, source, text, bytes: packed(encoded(text, encoding), packing(draw)) };
}

const packing = (draw: Draw): Packing =>
  draw.chance(0.75) ? 'none' : draw.pick(['gzip', 'zstd', 'zip'] as const);

/** Rows, some of them copies of others. */
function drawRows(draw: Draw, table: TableDraft): Cell[][] {
  const rows: Cell[][] = [];
  const count = draw.chance(0.06) ? 0 : draw.int(1, 24);
  const copies = draw.chance(0.5) ? 0.2 : 0;
  for (let i = 0; i < count; i++) {
    if (rows.length > 0 && draw.chance(copies)) rows.push([...draw.pick(rows)]);
    else rows.push(table.columns.map((column) => column.cell(i)));
  }
  return rows;
}

/** Columns that nobody names: doubled, differing by case, nameless, called like ours. */
function addNoise(draw: Draw, names: Names, table: TableDraft, rows: Cell[][], letters: Letters): void {
  const count = draw.chance(0.5) ? 0 : draw.int(1, 4);
  for (let i = 0; i < count; i++) {
    const name = names.noise();
    const same = table.format === 'csv' ? ['', name, name.toUpperCase(), ' '] : ['', name.toUpperCase()];
    const all = draw.chance(0.3) ? [name, draw.pick(same)] : [name];
    for (const one of all) {
      if (table.format === 'jsonl' && table.columns.some((column) => column.name === one)) continue;
      const at = draw.int(0, table.columns.length);
      table.columns.splice(at, 0, { name: one, cell: () => noiseCell(draw, letters) });
      for (const row of rows) row.splice(at, 0, noiseCell(draw, letters));
    }
  }
}

function csvCase(
  draw: Draw,
  table: TableDraft,
  rows: readonly Cell[][],
  source: Record<string, unknown>,
  latin: boolean,
): Pick<Case, 'source' | 'bytes' | 'text'> {
  const delimiter = draw.pick([',', ',', ',', ';', '\t', '|']);
  const quote = draw.chance(0.06) ? "'" : '"';
  const backslash = quote === '"' && draw.chance(0.15);
  const header = !draw.chance(0.1);
  const told = !backslash || draw.chance(0.8);
  const flaws: Flaw[] = draw.chance(0.2)
    ? ['short', 'long', 'behind-quote', 'blank-line', 'blank-quotes']
    : [];
  const skipLines = draw.chance(0.1) ? draw.int(1, 3) : 0;
  const junk = Array.from({ length: skipLines }, () =>
    draw.pick(['Report of May', '', 'a,b;c', 'it is "quoted', '# x']),
  );
  const named = draw.chance(0.06) ? [draw.pick(['sep=', 'SEP=']) + delimiter] : [];
  const style: CsvStyle = {
    delimiter,
    quote,
    escape: backslash ? '\\' : quote,
    lineEnd: draw.pick(['\n', '\n', '\n', '\r\n', '\r\n', '\r', 'mixed']),
    quoting: draw.pick(['needed', 'needed', 'all', 'some']),
    header,
    preamble: [...junk, ...named],
    trailing:
      table.columns.length > 1 && draw.chance(0.12)
        ? draw.pick(['header', 'lines', 'both'] as const)
        : 'none',
    lastLineEnd: draw.chance(0.85),
    joined: !latin && draw.chance(0.06),
  };
  const names = table.columns.map(({ name }) => name);
  const csv = {
    ...(delimiter !== ',' && { delimiter }),
    ...(quote !== '"' && { quote }),
    ...(backslash && told ? { escape: '\\' } : !backslash && draw.chance(0.3) ? { escape: quote } : {}),
    ...(skipLines > 0 && { skipLines }),
    ...(!header && { columns: names }),
  };
  const text = draw.chance(0.02) ? '' : csvText(draw, names, rows, style, flaws);
  const [encoding, stated] = encodingOf(draw, latin);
  return {
    source: { ...source, csv, ...(stated && { encoding: stated }) },
    text,
    bytes: packed(encoded(text, encoding), packing(draw)),
  };
}

function encodingOf(draw: Draw, latin: boolean): [Encoding, string | undefined] {
  if (latin) return ['latin1', draw.chance(0.85) ? draw.pick(['windows-1252', 'latin1']) : undefined];
  if (draw.chance(0.8)) return ['utf-8', undefined];
  return draw.pick([
    ['utf-8 with mark', undefined],
    ['utf-16le with mark', undefined],
    ['utf-16be with mark', undefined],
    ['utf-16le', 'utf-16le'],
    ['utf-16le', undefined],
    ['utf-8 with mark', 'windows-1252'],
  ]);
}

/** Tells when the generator draws another file than it did: what packs the bytes may differ between machines. */
export const caseId = ({ bytes: _, ...rest }: Case): string => contentId(rest);
