import { quoteIdentifier, type Sql } from '../duckdb/index.ts';
import { Refusal } from '../errors.ts';

/** How one column of a parquet file is read. */
export interface ColumnReading {
  readonly name: string;
  readonly type: string;
  /** SQL of the column's value where it is not what DuckDB gives. */
  readonly sql?: (slot: string) => string;
  readonly unreadable?: Refusal;
}

/** One node of a parquet file's schema. */
interface Leaf {
  readonly physical: string;
  readonly converted: string;
  readonly logical: string;
  readonly precision: number;
}

interface Top {
  readonly name: string;
  /** The column itself, or what lies in it. */
  readonly leaves: readonly Leaf[];
  readonly nested: boolean;
}

/** Digits of the widest decimal that DuckDB holds; wider ones come out of it as doubles that mean nothing. */
const MOST_DIGITS = 38;

/**
 * The columns of a parquet file by their own names, in order. DuckDB renames doubled ones, and reads three kinds otherwise than
 * they are meant: INT96 and timestamps of the old converted types hold UTC (Spark, Hive, Impala write them) and come as local
 * time; decimals of more than 38 digits come as wrong doubles; text that is not marked as text comes as bytes.
 */
export async function readingsOf(
  sql: Sql,
  path: string,
  described: readonly { readonly name: string; readonly type: string }[],
): Promise<ColumnReading[]> {
  const tops = await topLevel(sql, path);
  return Promise.all(
    described.map(async ({ name: alias, type }, i): Promise<ColumnReading> => {
      const { name, leaves, nested } = tops[i] ?? { name: alias, leaves: [], nested: false };
      const wide = leaves.find(({ precision }) => precision > MOST_DIGITS);
      if (wide) return { name, type, unreadable: refuse(name, `DECIMAL of ${wide.precision} digits`, WIDE) };
      if (leaves.some(isUtcWithoutSayingSo)) {
        if (nested)
          return { name, type, unreadable: refuse(name, `INT96 timestamps inside ${type}`, NESTED) };
        return { name, type: 'TIMESTAMP WITH TIME ZONE', sql: (slot) => `timezone('UTC', ${slot})` };
      }
      if (type !== 'BLOB') return { name, type };
      const text = `TRY(decode(${quoteIdentifier(alias)}))`;
      const [[broken] = []] = await sql.rows(
        `SELECT count(*) FROM read_parquet(${path}, hive_partitioning = false)
         WHERE ${quoteIdentifier(alias)} IS NOT NULL AND ${text} IS NULL`,
      );
      if (Number(broken) > 0)
        return { name, type, unreadable: refuse(name, 'bytes that are no UTF-8 text', BYTES) };
      return { name, type: 'VARCHAR', sql: (slot) => `decode(${slot})` };
    }),
  );
}

const WIDE = 'write it as a decimal of up to 38 digits, as a double, or as text';
const NESTED = 'write them as TIMESTAMP with isAdjustedToUTC, or in a column of their own';
const BYTES = 'write it as text, or leave it out of the mapping';

function refuse(name: string, what: string, hint: string): Refusal {
  return new Refusal(`the column "${name}" holds ${what}, which cannot be read rightly`, hint);
}

function isUtcWithoutSayingSo({ physical, converted, logical }: Leaf): boolean {
  return physical === 'INT96' || (converted.startsWith('TIMESTAMP_') && logical === '');
}

/** The schema comes as a list of nodes, each followed by its children. */
async function topLevel(sql: Sql, path: string): Promise<Top[]> {
  const rows = await sql.rows(`
    SELECT name, num_children, coalesce(type, ''), coalesce(converted_type::VARCHAR, ''), coalesce(logical_type::VARCHAR, ''),
      coalesce(precision, 0) FROM parquet_schema(${path})`);
  const tops: Top[] = [];
  let next = 1;
  const leavesFrom = (): Leaf[] => {
    const [, children, physical, converted, logical, precision] = rows[next++] ?? [];
    const count = Number(children ?? 0);
    if (count === 0) {
      return [
        {
          physical: String(physical),
          converted: String(converted),
          logical: String(logical),
          precision: Number(precision),
        },
      ];
    }
    return Array.from({ length: count }, leavesFrom).flat();
  };
  while (next < rows.length) {
    const [name, children] = rows[next] ?? [];
    tops.push({ name: String(name ?? ''), nested: Number(children ?? 0) > 0, leaves: leavesFrom() });
  }
  return tops;
}
