import { type Cell, momentMs } from './cells.ts';
import type { Draw } from './random.ts';
import type { TableDraft } from './tables.ts';

/** A parquet file as pyarrow shall write it: see reading/write_parquet.py. */
export interface ParquetFile {
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly values: readonly (string | null)[];
  }[];
  readonly compression: string;
  readonly version: string;
  readonly pages: string;
  readonly group: number;
  readonly dictionary: boolean;
  readonly int96: boolean;
}

type Maker = { readonly type: string; readonly value: (draw: Draw) => string | null };

const maker = (type: string, value: (draw: Draw) => string | null): Maker => ({ type, value });
const small = (draw: Draw) => String(draw.int(17850, 17854));
const PER_MS = { s: 0.001, ms: 1, us: 1000, ns: 1_000_000 } as const;

const IDS: readonly Maker[] = [
  ...['int64', 'int32', 'uint32', 'uint64', 'int64'].map((type) => maker(type, small)),
  maker('uint64', (draw) => draw.pick(['18446744073709551615', '9007199254740993', '17850'])),
  maker('float64', (draw) => (draw.chance(0.2) ? 'nan' : small(draw))),
  maker('float64', (draw) =>
    draw.pick(['9007199254740992', '17850.5', '-3', '1e18', '9007199254740991', 'nan']),
  ),
  maker('float32', (draw) => draw.pick(['17850', '16777216', '2.5', 'nan', '0.1'])),
  maker('decimal:10:0', small),
  maker('decimal:10:2', (draw) => draw.pick(['17850.00', '17850.50', '-0.05', '100.00', '0.00'])),
  maker('decimal:38:0', (draw) => draw.pick(['12345678901234567890123456789012345678', '17850', '100'])),
  maker('decimal:38:9', (draw) =>
    draw.pick(['17850.000000000', '5.000000001', '12345678901234567890.500000000']),
  ),
  maker('bool_', (draw) => draw.pick(['true', 'false'])),
  maker('date32', (draw) => String(draw.int(19_700, 19_703))),
];

/** The types that a column of each role may have. Where none is named, the cells of text formats serve. */
const TYPES: Readonly<Record<string, (draw: Draw, table: TableDraft) => Maker | undefined>> = {
  user: (draw) => (draw.chance(0.7) ? draw.pick(IDS) : undefined),
  item: (draw) => (draw.chance(0.6) ? draw.pick(IDS) : undefined),
  session: (draw) => (draw.chance(0.6) ? draw.pick(IDS) : undefined),
  order: (draw) => (draw.chance(0.6) ? draw.pick(IDS.slice(0, 10)) : undefined),
  line: (draw) => (draw.chance(0.6) ? draw.pick(IDS.slice(0, 10)) : undefined),
  label: (draw) => (draw.chance(0.6) ? draw.pick(IDS) : undefined),
  time: times,
  valid_from: times,
  updated: (draw, table) =>
    draw.chance(0.3) ? maker('float64', (d) => d.pick(['1', '2.5', '3', 'nan'])) : times(draw, table),
  quantity: (draw) =>
    draw.pick([wholes('int64'), wholes('int32'), wholes('float64'), wholes('int8'), undefined]),
  price: money,
  amount: money,
  numbers: money,
  categories: (draw) =>
    draw.pick([
      undefined,
      maker('float64', (d) => d.pick(['1', '2.5', 'nan'])),
      maker('dictionary', (d) => d.pick(['red', 'green', ''])),
      maker('bool_', (d) => d.pick(['true', 'false'])),
      maker('int64', (d) => d.pick(['1', '2'])),
    ]),
  list: () =>
    maker('list', (draw) => {
      const lines = Array.from({ length: draw.int(0, 3) }, () => ({
        sku: draw.pick(['A', 'B', '17850.0', null]),
        qty: draw.pick([1, 2, -3, null]),
        price: draw.pick([9.5, 12, 0.05, null]),
      }));
      return JSON.stringify(lines);
    }),
};

function wholes(type: string): Maker {
  return maker(type, (draw) =>
    type.startsWith('float') && draw.chance(0.1) ? 'nan' : String(draw.int(-3, 12)),
  );
}

function money(draw: Draw): Maker | undefined {
  const value = (d: Draw) => (d.int(-500, 500_000) / 100).toFixed(2);
  return draw.pick([
    undefined,
    maker('float64', (d) => (d.chance(0.08) ? d.pick(['nan', 'inf', '1e300']) : value(d))),
    maker('float64', (d) => d.pick(['1.005', '2.675', '8.495', '-1.005', '0.005', '4.995'])),
    maker('float32', (d) => d.pick(['4.995', '12.5', '1.005', '-0.125', 'nan'])),
    maker('float16', (d) => d.pick(['1.5', '2.25', '-0.75'])),
    maker('decimal:10:2', value),
    maker('decimal:18:4', (d) => `${d.int(0, 900)}.${d.pick(['0050', '1250', '9950', '0049', '5000'])}`),
    maker('decimal:38:9', (d) => `${d.int(0, 900)}.${d.pick(['005000000', '345678901'])}`),
    ...(draw.chance(0.3)
      ? [maker(draw.pick(['decimal:39:2', 'decimal:76:9']), (d) => `${d.int(0, 900)}.05`)]
      : []),
    maker('int64', (d) => String(d.int(0, 900))),
  ]);
}

function times(draw: Draw, { epoch }: TableDraft): Maker | undefined {
  const unit = draw.pick(['ms', 'us', 'ns'] as const);
  const zone = draw.pick(['', ':UTC', ':America/New_York']);
  const count = (d: Draw, of: keyof typeof PER_MS) =>
    of === 's'
      ? String(Math.floor(momentMs(d) / 1000))
      : String(BigInt(momentMs(d)) * BigInt(PER_MS[of]) + BigInt(of === 'ms' ? 0 : d.int(0, 999)));
  return draw.pick([
    undefined,
    maker(`timestamp:${unit}${zone}`, (d) => count(d, unit)),
    maker(`timestamp:${unit}${zone}`, (d) => (d.chance(0.1) ? '0' : count(d, unit))),
    maker('date32', (d) => String(d.int(9200, 20_590))),
    maker('int64', (d) => count(d, epoch ?? 'ms')),
    maker('float64', (d) =>
      d.chance(0.15) ? 'nan' : count(d, epoch === 'ns' || epoch === 'us' ? epoch : (epoch ?? 'ms')),
    ),
  ]);
}

const NOISE: readonly Maker[] = [
  maker('int64', (d) => String(d.int(0, 2))),
  maker('float64', (d) => d.pick(['nan', '1', '2'])),
  maker('dictionary', (d) => d.pick(['x', 'y'])),
  maker('timestamp:us', (d) => String(d.int(0, 2))),
  maker('bool_', (d) => d.pick(['true', 'false'])),
];

export function parquetFile(draw: Draw, table: TableDraft): ParquetFile {
  const count = draw.chance(0.06) ? 0 : draw.int(1, 24);
  const gaps = draw.chance(0.4) ? 0.12 : 0;
  const columns = table.columns.map(({ name, role, cell }) => {
    const made = TYPES[role ?? '']?.(draw, table);
    if (!made)
      return {
        name,
        type: draw.pick(['string', 'string', 'large_string', 'dictionary', 'binary']),
        values: textsOf(draw, count, gaps, cell),
      };
    const values = Array.from({ length: count }, () => (draw.chance(gaps) ? null : made.value(draw)));
    return { name, type: made.type, values };
  });
  const noise = draw.chance(0.5) ? 0 : draw.int(1, 3);
  for (let i = 0; i < noise; i++) {
    const { type, value } = draw.pick(NOISE);
    const name = draw.pick([
      'rowid',
      'nj_row',
      'index',
      '__index_level_0__',
      'x x',
      '',
      'RowID',
      'file_row_number',
    ]);
    columns.push({
      name,
      type,
      values: Array.from({ length: count }, () => (draw.chance(gaps) ? null : value(draw))),
    });
  }
  if (draw.chance(0.5)) copyRows(draw, columns, count);
  return {
    columns,
    compression: draw.pick(['none', 'snappy', 'gzip', 'zstd', 'lz4', 'brotli']),
    version: draw.pick(['1.0', '2.4', '2.6']),
    pages: draw.pick(['1.0', '2.0']),
    group: draw.pick([3, 100]),
    dictionary: draw.chance(0.7),
    int96: draw.chance(0.15),
  };
}

const textsOf = (draw: Draw, count: number, gaps: number, cell: (row: number) => Cell) =>
  Array.from({ length: count }, (_, row) => (draw.chance(gaps) ? null : cell(row).text));

function copyRows(draw: Draw, columns: { values: (string | null)[] }[], count: number): void {
  for (let row = 1; row < count; row++) {
    if (!draw.chance(0.2)) continue;
    const from = draw.int(0, row - 1);
    for (const { values } of columns) values[row] = values[from]!;
  }
}
