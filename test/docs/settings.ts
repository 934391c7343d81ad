// Writes docs/settings.md: node --import tsx test/docs/settings.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { configSchema } from '../../lib/config/schema.ts';

export const DOCUMENT = fileURLToPath(new URL('../../docs/settings.md', import.meta.url));

const HEAD = `# Settings, one by one

Every setting that \`nightjar.config.ts\` may hold, with its type, its limits and its default, as the schema in \`lib/config\` has
them. This page is written by \`node --import tsx test/docs/settings.ts\`, and a test compares. [config.md](config.md) says what
the settings mean.

A setting without a default may be left out unless it says *required*; \`<name>\` stands for a name of yours, \`[]\` for each entry
of a list. Where settings differ by kind or by form, each form has rows of its own.
`;

/** The part of JSON Schema that the schema of the config comes to. */
interface Node {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly allOf?: readonly Node[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

const alternatives = ({ anyOf, oneOf, allOf }: Node): readonly Node[] => anyOf ?? oneOf ?? allOf ?? [];
const isOpen = (of: Node['additionalProperties']): of is Node =>
  typeof of === 'object' && Object.keys(of).length > 0;
const code = (value: unknown): string =>
  `\`${typeof value === 'string' ? `'${value}'` : JSON.stringify(value).replaceAll('"', "'")}\``.replaceAll(
    '|',
    '\\|',
  );

/** What a value may be, in the words of the tables of docs/config.md. */
function typeOf(node: Node): string {
  if (node.const !== undefined) return code(node.const);
  if (node.enum) return node.enum.map(code).join(', ');
  const forms = alternatives(node);
  if (forms.length > 0) return [...new Set(forms.map(typeOf))].join(' or ');
  switch (node.type) {
    case 'array':
      return `list of ${node.items ? typeOf(node.items) : 'values'}${bounds(node.minItems, node.maxItems, 'entries')}`;
    case 'object':
      return isOpen(node.additionalProperties) && !node.properties ? 'settings by name' : 'settings';
    case 'integer':
    case 'number':
      return `${node.type === 'integer' ? 'whole number' : 'number'}${limits(node)}`;
    case 'boolean':
      return '`true` or `false`';
    case 'string':
      return 'text';
    default:
      return 'value';
  }
}

/** Limits that are no more than what a JavaScript number holds are none. */
function limits({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Node): string {
  const told = [
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(exclusiveMaximum === undefined ? [] : [`below ${exclusiveMaximum}`]),
  ];
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined;
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  return `${told.map((one) => `, ${one}`).join('')}${bounds(least, most, '')}`;
}

function bounds(least: number | undefined, most: number | undefined, what: string): string {
  const unit = what === '' ? '' : ` ${what}`;
  if (least !== undefined && most !== undefined) return `, ${least} to ${most}${unit}`;
  if (least !== undefined) return `, at least ${least}`;
  return most === undefined ? '' : `, at most ${most}`;
}

interface Row {
  readonly path: string;
  readonly type: string;
  readonly fallback: string;
}

/** The settings below a path, in the order of the schema. */
function rowsOf(node: Node, path: string): Row[] {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const own = Object.entries(node.properties ?? {}).flatMap(([name, child]): Row[] => [
    {
      path: at(name),
      type: typeOf(child),
      fallback:
        child.default !== undefined && !child.properties
          ? code(child.default)
          : node.required?.includes(name)
            ? 'required'
            : '',
    },
    ...rowsOf(child, at(name)),
  ]);
  return [
    ...own,
    ...(isOpen(node.additionalProperties) ? rowsOf(node.additionalProperties, at('<name>')) : []),
    ...(node.items ? rowsOf(node.items, `${path}[]`) : []),
    ...alternatives(node).flatMap((form) => rowsOf(form, path)),
  ];
}

const tableOf = (rows: readonly Row[]): string =>
  [
    '| setting | type | default |',
    '|---|---|---|',
    ...rows.map(({ path, type, fallback }) => `| \`${path}\` | ${type} | ${fallback} |`),
  ].join('\n');

/** The page: a section for each setting of the top level, and of `tasks` and `sources` one more for each kind. */
export function settingsPage(): string {
  const schema = z.toJSONSchema(configSchema, { unrepresentable: 'any', io: 'input' }) as Node;
  const sections = Object.entries(schema.properties ?? {}).map(([name, node]) => {
    const below = rowsOf(node, name);
    const required = schema.required?.includes(name) ? 'required' : '';
    const itself = { path: name, type: typeOf(node), fallback: required };
    const { additionalProperties: each } = node;
    const forms = isOpen(each) ? alternatives(each) : [];
    if (forms.length === 0) return `## ${name}\n\n${tableOf([itself, ...below])}\n`;
    const ofForms = forms.map((form) => rowsOf(form, `${name}.<name>`));
    const text = (row: Row) => tableOf([row]);
    const shared = new Set(
      ofForms[0]!.map(text).filter((row) => ofForms.every((rows) => rows.map(text).includes(row))),
    );
    const kinds = forms.map((form, i) => {
      const kind = Object.entries(form.properties ?? {}).find(([, { const: value }]) => value !== undefined);
      const title = kind ? `${name} with \`${kind[0]}: ${code(kind[1].const).slice(1, -1)}\`` : name;
      return `### ${title}\n\n${tableOf(ofForms[i]!.filter((row) => !shared.has(text(row))))}\n`;
    });
    const all = ofForms[0]!.filter((row) => shared.has(text(row)));
    return `## ${name}\n\n${tableOf([itself, ...all])}\n\n${kinds.join('\n')}`;
  });
  return `${HEAD}\n${sections.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(DOCUMENT, settingsPage());
