import type { Source } from '../../config/index.ts';
import type { Sql } from '../duckdb/index.ts';
import { parseAll } from './ast.ts';
import { expressionsOf } from './plan.ts';

/** An expression that is no SQL, whatever columns a file may have. */
export interface SyntaxFault {
  /** Within the source: 'columns.time', 'where.paid'. */
  readonly path: string;
  readonly expression: string;
  readonly why: string;
}

/** Words alone may be the name of a column, which needs no quotes where nothing else stands beside it. */
const NAME = /^(?!\s*case\b)[\p{L}\p{N}_ .?#%&/-]+$/iu;

/** The expressions of a source that DuckDB's parser does not take. What they mean is known only with a file at hand. */
export async function syntaxFaults(sql: Sql, source: Source): Promise<SyntaxFault[]> {
  const { unnest } = source;
  const wanted = [
    ...expressionsOf(source),
    ...(unnest === undefined || unnest.startsWith('$') ? [] : [{ path: 'unnest', expression: unnest }]),
    ...source.rules.map(({ name, when }) => ({ path: `rules.${name}`, expression: when })),
  ].map(({ path, expression }) => ({
    path: path.replace(/^key\.\d+$/, 'key'),
    // What a condition is wrapped in is none of the config's.
    expression: /^where\./.test(path)
      ? (source.where[path.slice('where.'.length)] ?? expression)
      : expression,
  }));
  const trees = await parseAll(
    sql,
    wanted.map(({ expression }) => expression),
  );
  return wanted.flatMap(({ path, expression }, i) => {
    const tree = trees[i]!;
    return 'error' in tree && !NAME.test(expression) ? [{ path, expression, why: String(tree.error) }] : [];
  });
}
