import { quoteText, type Sql } from '../duckdb/index.ts';

/**
 * Expressions as DuckDB's own parser sees them. It writes its syntax tree as JSON and reads it again, so names can be
 * replaced in the tree, where no text or comment can be mistaken for one.
 */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Node = { [key: string]: Json };

/** A syntax error, in DuckDB's words. */
export interface NoExpression {
  readonly error: string;
}

/** The trees of expressions, in one question to DuckDB. */
export async function parseAll(sql: Sql, expressions: readonly string[]): Promise<(Node | NoExpression)[]> {
  if (expressions.length === 0) return [];
  const asked = expressions.map((text) => `json_serialize_sql(${quoteText(`SELECT (${text}\n)`)})`);
  const [row = []] = await sql.rows(`SELECT ${asked.join(', ')}`);
  return row.map((answer) => treeOf(String(answer)));
}

/** The SQL texts of trees. */
export async function printAll(sql: Sql, trees: readonly Node[]): Promise<string[]> {
  if (trees.length === 0) return [];
  const asked = trees.map((tree) => {
    const select = { ...EMPTY_SELECT, select_list: [{ ...tree, alias: '' }] };
    const statement = { error: false, statements: [{ node: select, named_param_map: [] }] };
    return `json_deserialize_sql(${quoteText(stringify(statement))})`;
  });
  const [row = []] = await sql.rows(`SELECT ${asked.join(', ')}`);
  return row.map((text) => String(text).slice('SELECT '.length));
}

const EMPTY_SELECT: Node = {
  type: 'SELECT_NODE',
  modifiers: [],
  cte_map: { map: [] },
  from_table: { type: 'EMPTY', alias: '', sample: null, query_location: 0 },
  where_clause: null,
  group_expressions: [],
  group_sets: [],
  aggregate_handling: 'STANDARD_HANDLING',
  having: null,
  sample: null,
  qualify: null,
};

function treeOf(answer: string): Node | NoExpression {
  const parsed = parse(answer);
  if (!isNode(parsed)) return { error: 'it is no expression' };
  if (parsed.error === true) return { error: String(parsed.error_message) };
  const statements = Array.isArray(parsed.statements) ? parsed.statements : [];
  const [statement] = statements;
  const select = isNode(statement) && isNode(statement.node) ? statement.node : {};
  const list = Array.isArray(select.select_list) ? select.select_list : [];
  const [tree] = list;
  // A text such as "a), (b" or "a) FROM t WHERE (b" is a query around what was meant to be inside.
  const plain = Object.entries(EMPTY_SELECT).every(
    ([key, value]) => stringify(select[key] ?? null) === stringify(value),
  );
  if (statements.length !== 1 || list.length !== 1 || !isNode(tree) || !plain) {
    return { error: 'it is more than one expression' };
  }
  return tree;
}

export function isNode(value: Json | undefined): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const columnRef = (...names: string[]): Node => ({
  class: 'COLUMN_REF',
  type: 'COLUMN_REF',
  alias: '',
  query_location: 0,
  column_names: names,
});

export const textConstant = (value: string): Node => ({
  class: 'CONSTANT',
  type: 'VALUE_CONSTANT',
  alias: '',
  query_location: 0,
  value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value },
});

export const call = (name: string, ...children: Json[]): Node => ({
  class: 'FUNCTION',
  type: 'FUNCTION',
  alias: '',
  query_location: 0,
  function_name: name,
  schema: '',
  children,
  filter: null,
  order_bys: { type: 'ORDER_MODIFIER', orders: [] },
  distinct: false,
  is_operator: false,
  export_state: false,
  catalog: '',
});

/** Stands around numbers that a double would round: constants of an expression keep all of their digits. */
const EXACT = '\u0000exact:';
const TOKEN = /"(?:[^"\\]|\\.)*"|-?Infinity|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function parse(text: string): Json {
  // What stands nowhere in the text has the highest place that there is, which a double does not hold.
  const plain = text.replaceAll('"query_location":18446744073709551615', '"query_location":0');
  return JSON.parse(
    plain.replaceAll(TOKEN, (token) =>
      /^-?(\d{16,}|Infinity)$/.test(token) ? JSON.stringify(`${EXACT}${token}`) : token,
    ),
  );
}

function stringify(value: Json): string {
  return JSON.stringify(value).replaceAll(/"\\u0000exact:(-?\w+)"/g, '$1');
}
