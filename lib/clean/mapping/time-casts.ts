import type { Sql } from '../duckdb/index.ts';
import type { Column } from '../read/index.ts';
import { call, isNode, type Json, type Node, printAll, textConstant } from './ast.ts';

interface Tree {
  readonly tree: Node;
  readonly columns: readonly Column[];
}

/** Casts of text to these types read times, by a function of ours. */
const TEXT_CASTS: Readonly<Record<string, string>> = {
  'TIMESTAMP WITH TIME ZONE': 'nj_timestamptz',
  TIMESTAMP: 'nj_timestamp',
  DATE: 'nj_date',
};
/** Types whose cast to an instant asks for a zone. */
const NAIVE = /^(TIMESTAMP(_S|_MS|_NS)?|DATE)$/;

/**
 * Trees in which casts to times and `AT TIME ZONE` go by the zones that Node knows: DuckDB's cast of text carries a zone's
 * name over to the rows behind it, its TIMESTAMP cast drops an offset without a word, and its rules for zones are another
 * edition than Node's. What is computed from instants otherwise stays DuckDB's.
 * @param reading see `timeReadingText`
 */
export async function withOwnTimes(sql: Sql, trees: readonly Tree[], reading: string): Promise<Node[]> {
  const asked: { tree: Tree; child: Json }[] = [];
  for (const tree of trees)
    visit(tree.tree, (node) => asked.push(...childrenToType(node).map((child) => ({ tree, child }))));
  if (asked.length === 0) return trees.map(({ tree }) => tree);
  const types = new Map<string, string>();
  for (const { tree, child } of asked)
    types.set(JSON.stringify(child), await typeOf(sql, child, tree.columns));
  return trees.map(({ tree }) => {
    const changed = rewritten(tree, types, reading);
    return isNode(changed) ? changed : tree;
  });
}

function childrenToType(node: Node): Json[] {
  if (castTarget(node)) return [node.child ?? null];
  return isTimeZone(node) && Array.isArray(node.children) ? [...node.children] : [];
}

function castTarget(node: Node): string | undefined {
  if (node.class !== 'CAST' || !isNode(node.cast_type) || !isNode(node.child)) return undefined;
  // A literal is read once, and by itself.
  return node.child.class === 'CONSTANT' ? undefined : TEXT_CASTS[String(node.cast_type.id)];
}

const isTimeZone = (node: Node) =>
  node.class === 'FUNCTION' &&
  node.function_name === 'timezone' &&
  Array.isArray(node.children) &&
  node.children.length === 2;

function rewritten(value: Json, types: ReadonlyMap<string, string>, reading: string): Json {
  if (Array.isArray(value)) return value.map((member) => rewritten(member, types, reading));
  if (!isNode(value)) return value;
  const members = Object.entries(value).map(
    ([key, member]) => [key, rewritten(member, types, reading)] as const,
  );
  const node: Node = Object.fromEntries(members);
  // Types are known of what stood there before: what takes its place has the same.
  const typeOfChild = (child: Json | undefined) => types.get(JSON.stringify(child)) ?? '';
  const target = castTarget(value);
  if (target !== undefined) {
    const type = typeOfChild(value.child);
    if (type !== 'VARCHAR' && !(target === 'nj_timestamptz' && NAIVE.test(type))) return node;
    const given = type === 'VARCHAR' || type === 'DATE' ? node.child : castTo(node.child, 'TIMESTAMP');
    return call(target, given ?? null, textConstant(reading), truth(node.try_cast !== true));
  }
  if (!isTimeZone(value) || !Array.isArray(value.children) || !Array.isArray(node.children)) return node;
  const [zoneType, timeType = ''] = value.children.map(typeOfChild);
  const [zone = null, time = null] = node.children;
  if (zoneType !== 'VARCHAR') return node;
  if (timeType === 'TIMESTAMP WITH TIME ZONE') return call('nj_timezone', zone, time);
  return NAIVE.test(timeType) ? call('nj_timezone', zone, castTo(time, 'TIMESTAMP')) : node;
}

async function typeOf(sql: Sql, child: Json, columns: readonly Column[]): Promise<string> {
  if (!isNode(child)) return '';
  const [text = 'NULL'] = await printAll(sql, [child]);
  const names = columns
    .filter(({ slot }) => /^\w+$/.test(slot))
    .map(({ slot, type }) => `NULL::${type} AS ${slot}`);
  try {
    const [described] = await sql.describe(
      `SELECT ${text} FROM (SELECT ${['0 AS none', ...names].join(', ')})`,
    );
    return described?.type ?? '';
  } catch {
    // A lambda's parameter, say, or a mistake that the whole expression will be told of.
    return '';
  }
}

function visit(value: Json, look: (node: Node) => void): void {
  if (Array.isArray(value)) for (const member of value) visit(member, look);
  if (!isNode(value)) return;
  look(value);
  for (const member of Object.values(value)) visit(member, look);
}

const castTo = (child: Json | undefined, id: string): Node => ({
  class: 'CAST',
  type: 'OPERATOR_CAST',
  alias: '',
  query_location: 0,
  child: child ?? null,
  cast_type: { id, type_info: null },
  try_cast: false,
});

const truth = (value: boolean): Node => ({
  class: 'CONSTANT',
  type: 'VALUE_CONSTANT',
  alias: '',
  query_location: 0,
  value: { type: { id: 'BOOLEAN', type_info: null }, is_null: false, value },
});
