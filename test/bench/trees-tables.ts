import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { Draws } from '../../lib/engine/trees/draws.ts';
import type { TreeTable } from '../../lib/engine/trees/index.ts';

export interface SplitTable {
  readonly name: string;
  readonly train: TreeTable;
  readonly test: TreeTable;
}

type Logit = (x: Float32Array) => number;

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

/** Generated tables of different shapes, and two of the examples' shops. */
export async function treeTables(): Promise<SplitTable[]> {
  const smooth: Logit = (x) => 1.2 * x[0]! + Math.sin(3 * x[1]!) - 0.7 * x[2]! ** 2 + 0.4 * x[3]!;
  const crossed: Logit = (x) => (x[0]! > 0 === x[1]! > 0.3 ? 1.5 : -1.5) * (x[2]! > -0.5 ? 1 : 0.2) - 1;
  const heavy: Logit = (x) => 0.8 * Math.log1p(Math.abs(x[0]! * 5)) - (x[1]! > 0 ? x[2]! : 1) - 2;
  return [
    generated('generated: smooth sums', 20_000, 20, 1, smooth, 0),
    generated('generated: crossed steps, 20 % missing', 20_000, 20, 2, crossed, 0.2),
    generated(
      'generated: heavy tails, few positives',
      20_000,
      30,
      3,
      heavy,
      0,
      (x) => (Math.sign(x) * Math.exp(2 * Math.abs(x))) / 5,
    ),
    await onlineShoppers(),
    await onlineRetail(),
  ];
}

/** Standard normal cells; the label by a logit of the first of them. */
export function generated(
  name: string,
  rows: number,
  columns: number,
  seed: number,
  logit: Logit,
  missing: number,
  shape: (x: number) => number = (x) => x,
): SplitTable {
  const part = (partSeed: number): TreeTable => {
    const draws = new Draws(partSeed, name);
    const values = new Float32Array(rows * columns);
    const labels = new Uint8Array(rows);
    for (let row = 0; row < rows; row++) {
      const own = values.subarray(row * columns, (row + 1) * columns);
      const first = 3 * row * columns;
      for (let i = 0; i < columns; i++) {
        const radius = Math.sqrt(-2 * Math.log(1 - draws.uniform(first + 3 * i)));
        own[i] = radius * Math.cos(2 * Math.PI * draws.uniform(first + 3 * i + 1));
      }
      labels[row] = draws.uniform(2 ** 30 + row) < 1 / (1 + Math.exp(-logit(own))) ? 1 : 0;
      for (let i = 0; i < columns; i++) {
        own[i] = draws.uniform(first + 3 * i + 2) < missing ? Number.NaN : shape(own[i]!);
      }
    }
    return { rows, columns, values, labels };
  };
  return { name, train: part(2 * seed), test: part(2 * seed + 1) };
}

/** Sessions of a shop: does it end in a purchase? Months and kinds as numbers in order of their names. */
function onlineShoppers(): Promise<SplitTable> {
  const coded = (column: string): string => `dense_rank() OVER (ORDER BY ${column}) AS ${column}`;
  return fromQuery(
    'online-shoppers: sessions',
    `SELECT * EXCLUDE (Month, VisitorType, Weekend, Revenue), ${coded('Month')}, ${coded('VisitorType')},
       Weekend::INT AS Weekend, Revenue::INT AS label
     FROM read_csv('${EXAMPLES}/online-shoppers/drops/sessions/*.csv.gz')`,
  );
}

/** Customers of a shop at four ends of a month: recency, frequency, amounts; do they buy in the 60 days after? */
function onlineRetail(): Promise<SplitTable> {
  return fromQuery(
    'online-retail: recency, frequency, amounts',
    `WITH lines AS (
       SELECT CustomerID AS who, InvoiceNo AS invoice, StockCode AS item, Quantity AS quantity, InvoiceDate::TIMESTAMP AS bought,
         Quantity * UnitPrice AS amount, Country AS country
       FROM read_csv('${EXAMPLES}/online-retail/drops/transactions/*.csv.gz', types = {'InvoiceNo': 'VARCHAR', 'StockCode': 'VARCHAR'})
       WHERE CustomerID IS NOT NULL
     ), ends AS (SELECT unnest(['2011-05-01', '2011-07-01', '2011-08-15', '2011-10-01']::TIMESTAMP[]) AS stop)
     SELECT date_diff('hour', max(bought), stop) AS recency, date_diff('hour', min(bought), stop) AS age,
       count(DISTINCT invoice) AS frequency, count(*) AS lines, count(DISTINCT item) AS items,
       sum(amount) AS amount, sum(quantity) AS quantity, avg(amount) AS mean, max(amount) AS most,
       count_if(quantity < 0) AS returned, sum(amount) FILTER (bought > stop - INTERVAL 30 DAY) AS lately,
       count(DISTINCT invoice) FILTER (bought > stop - INTERVAL 90 DAY) AS lastQuarter,
       date_diff('hour', min(bought), max(bought)) / count(DISTINCT invoice) AS rhythm,
       (any_value(country) = 'United Kingdom')::INT AS home,
       (who IN (SELECT who FROM lines AS later WHERE later.bought > stop AND later.bought <= stop + INTERVAL 60 DAY AND later.amount > 0))::INT AS label
     FROM lines, ends WHERE bought <= stop GROUP BY who, stop ORDER BY stop, who`,
  );
}

/** The rows of a query, the label last: two thirds to learn from, drawn by their place. */
async function fromQuery(name: string, sql: string): Promise<SplitTable> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const rows = (await connection.runAndReadAll(sql)).getRows();
    const draws = new Draws(1, name);
    const part = (isTrain: boolean): TreeTable => {
      const own = rows.filter((_, i) => draws.uniform(i) < 2 / 3 === isTrain);
      const columns = rows[0]!.length - 1;
      const number = (value: unknown): number => (value === null ? Number.NaN : Number(value));
      return {
        ...{ rows: own.length, columns },
        values: Float32Array.from(own.flatMap((row) => row.slice(0, columns).map(number))),
        labels: Uint8Array.from(own, (row) => Number(row[columns])),
      };
    };
    return { name, train: part(true), test: part(false) };
  } finally {
    connection.closeSync();
  }
}
