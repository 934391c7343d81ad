import { Refusal } from '../errors.ts';
import type { Column } from '../read/index.ts';
import { call, columnRef, isNode, type Json, type Node, textConstant } from './ast.ts';
import type { Forbidden } from './forbidden.ts';
import { ABSENT, columnOf, type Scope } from './scope.ts';

/** Where an expression starts in the text that was parsed: SELECT ( … */
const START = 'SELECT ('.length;
/** What these classes of nodes are to a person. */
const FOREIGN: Readonly<Record<string, string>> = {
  SUBQUERY: 'a query inside',
  WINDOW: 'a window over other rows',
  STAR: 'a star',
  PARAMETER: 'a parameter',
  POSITIONAL_REFERENCE: 'a column by its number',
  DEFAULT: 'DEFAULT',
};
/** Written like columns, and none. */
const CLOCKS = /^(current_(date|time|timestamp)|localtime(stamp)?)$/i;

/**
 * Replaces the names of one expression by the slots of the columns they mean, and notes which were read. A name behind a
 * dot is a field of a parquet struct, or a key inside text that holds JSON.
 */
export class NameResolver {
  readonly columns: Column[] = [];
  readonly #path: string;
  readonly #text: Buffer;
  readonly #scope: Scope;
  readonly #forbidden: Forbidden;
  #parameters = 0;

  constructor(path: string, expression: string, scope: Scope, forbidden: Forbidden) {
    this.#path = path;
    this.#text = Buffer.from(expression);
    this.#scope = scope;
    this.#forbidden = forbidden;
  }

  /** @throws Refusal for what a mapping may not hold */
  resolve(tree: Json): Json {
    return this.#in(tree, new Map());
  }

  /** @param locals parameters of the lambdas around, by the names they get instead */
  #in(value: Json, locals: ReadonlyMap<string, string>): Json {
    if (Array.isArray(value)) return value.map((member) => this.#in(member, locals));
    if (!isNode(value)) return value;
    const kind = typeof value.class === 'string' ? value.class : '';
    const foreign = FOREIGN[kind];
    if (foreign !== undefined)
      throw this.#refusal(`holds ${foreign}`, 'a mapping computes a value from one row');
    if (kind === 'COLUMN_REF') return this.#reference(value, locals);
    if (kind === 'FUNCTION') return this.#call(value, locals);
    return this.#members(value, locals);
  }

  #members(node: Node, locals: ReadonlyMap<string, string>): Node {
    return Object.fromEntries(Object.entries(node).map(([key, member]) => [key, this.#in(member, locals)]));
  }

  #reference(node: Node, locals: ReadonlyMap<string, string>): Json {
    const names = textsOf(node.column_names);
    const [first = '', ...rest] = names;
    const local = locals.get(first.toLowerCase());
    if (local !== undefined) return columnRef(local, ...rest);
    return this.#column(first, rest, this.#isQuoted(node));
  }

  #column(name: string, path: readonly string[], quoted: boolean): Json {
    if (!quoted && CLOCKS.test(name) && !this.#has(name)) {
      throw this.#refusal(`reads the clock (${name})`, 'a drop must read the same next year');
    }
    const column = columnOf(this.#scope, name, quoted, this.#path);
    if (!this.columns.includes(column)) this.columns.push(column);
    const slot = column.slot === ABSENT ? nullText() : columnRef(column.slot);
    if (path.length === 0) return slot;
    if (column.slot !== ABSENT && !/^(VARCHAR|JSON)$/.test(column.type))
      return columnRef(column.slot, ...path);
    const pointer = path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
    // An empty cell is no JSON, and no value.
    const text = column.type === 'JSON' ? slot : call('nullif', slot, textConstant(''));
    return call('json_extract_string', text, textConstant(pointer));
  }

  #call(node: Node, locals: ReadonlyMap<string, string>): Json {
    const name = String(node.function_name).toLowerCase();
    const why = this.#forbidden.get(name);
    if (why !== undefined)
      throw this.#refusal(`calls ${name}(), which ${why}`, 'change the expression in the config');
    if (name === 'age' && Array.isArray(node.children) && node.children.length < 2) {
      throw this.#refusal(
        'reads the clock: age() of one time is the time from then to now',
        'a drop must read the same next year: keep the date itself, or give age() two times',
      );
    }
    // "name.lower()" is parsed as a function in a schema that is called as the column is.
    const owners = [node.catalog, node.schema].filter((part) => typeof part === 'string' && part !== '');
    const own = owners.length > 0 && !(owners.length === 1 && owners[0] === 'main');
    const children = (Array.isArray(node.children) ? node.children : []).map((child) =>
      isNode(child) && child.class === 'LAMBDA' && node.is_operator !== true
        ? this.#lambda(child, locals)
        : this.#in(child, locals),
    );
    if (own) {
      const subject = this.#reference({ ...columnRef(...owners.map(String)), query_location: -1 }, locals);
      children.unshift(subject);
    }
    if (/^(try_)?strptime$/.test(name) && JSON.stringify(children.slice(1)).includes('%Z')) {
      throw this.#refusal(
        'reads zone names by %Z, where BST is Bangladesh and IST is not India',
        'map the column itself, which reads zones by their names and abbreviations by the setting timeZones; or use %z for offsets',
      );
    }
    const rest = this.#members({ ...node, children: [] }, locals);
    return { ...rest, children, ...(own ? { schema: '', catalog: '' } : {}) };
  }

  /** Parameters get names of ours, so that none hides a slot. Outside of a call the arrow reads JSON, and is left to it. */
  #lambda(node: Node, locals: ReadonlyMap<string, string>): Json {
    const { lhs } = node;
    const parameters = isNode(lhs) && lhs.class === 'FUNCTION' ? lhs.children : [lhs ?? null];
    const inner = new Map(locals);
    for (const parameter of Array.isArray(parameters) ? parameters : []) {
      if (!isNode(parameter) || parameter.class !== 'COLUMN_REF') return this.#members(node, locals);
      const [name = ''] = textsOf(parameter.column_names);
      inner.set(name.toLowerCase(), `p${this.#parameters++}`);
    }
    return { ...node, lhs: this.#in(lhs ?? null, inner), expr: this.#in(node.expr ?? null, inner) };
  }

  #has(name: string): boolean {
    return this.#scope.columns.some((column) => column.name.toLowerCase() === name.toLowerCase());
  }

  #isQuoted({ query_location: location }: Node): boolean {
    return typeof location === 'number' && this.#text[location - START] === 0x22;
  }

  #refusal(what: string, hint: string): Refusal {
    return new Refusal(`${this.#path} ${what}: ${this.#text.toString('utf8')}`, hint);
  }
}

const textsOf = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((part) => typeof part === 'string') : [];

const nullText = (): Node => ({
  class: 'CAST',
  type: 'OPERATOR_CAST',
  alias: '',
  query_location: 0,
  child: {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    query_location: 0,
    value: { type: { id: 'NULL', type_info: null }, is_null: true },
  },
  cast_type: { id: 'VARCHAR', type_info: null },
  try_cast: false,
});
