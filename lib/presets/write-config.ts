import type { ConfigInput } from '../config/index.ts';

/** A config that is to be written for a person to read and change. */
export interface Draft {
  readonly config: ConfigInput;
  /** Lines of comment before a setting, by its path: 'sources.orders.where.paid'. */
  readonly comments: ReadonlyMap<string, readonly string[]>;
}

/** Of a line of the file. */
const WIDTH = 110;
const COMMENT_WIDTH = 100;

/** The text of `nightjar.config.ts`: the one writer of all presets and guesses. Keys stand in the order of the object. */
export function writeConfig({ config, comments }: Draft): string {
  const body = settings(config, '', 1, comments);
  const head = comment(comments.get('') ?? [], 0);
  return `${head}import { defineConfig } from 'nightjar-shop';\n\nexport default defineConfig({\n${body}\n});\n`;
}

function settings(object: object, path: string, depth: number, comments: Draft['comments']): string {
  return Object.entries(object)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const own = path === '' ? key : `${path}.${key}`;
      const before = comment(comments.get(own) ?? [], depth);
      return `${before}${indent(depth)}${nameOf(key)}: ${written(value, own, depth, comments)},`;
    })
    .join('\n');
}

function written(value: unknown, path: string, depth: number, comments: Draft['comments']): string {
  if (typeof value === 'string') return quoted(value, depth);
  if (typeof value !== 'object' || value === null) return String(value);
  const flat = inline(value);
  const room = WIDTH - 2 * depth - path.length;
  const told = [...comments.keys()].some((key) => key.startsWith(`${path}.`));
  if (flat !== undefined && flat.length <= room && !told && depth > 1) return flat;
  if (Array.isArray(value)) return list(value, depth);
  return `{\n${settings(value, path, depth + 1, comments)}\n${indent(depth)}}`;
}

/** A setting's value as it may stand in the config, on one line; undefined where it needs more. */
export function inline(value: unknown): string | undefined {
  if (typeof value === 'string') return value.includes('\n') ? undefined : quoted(value, 0);
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Array.isArray(value)
    ? value.map(inline)
    : Object.entries(value)
        .filter(([, inner]) => inner !== undefined)
        .map(([key, inner]) => {
          const text = inline(inner);
          return text === undefined ? undefined : `${nameOf(key)}: ${text}`;
        });
  if (parts.includes(undefined)) return undefined;
  if (Array.isArray(value)) return `[${parts.join(', ')}]`;
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}

/** Many short members fill lines, as words do. */
function list(members: readonly unknown[], depth: number): string {
  const lines: string[] = [];
  for (const member of members) {
    const text = `${inline(member) ?? quoted(String(member), depth + 1)},`;
    const last = lines.at(-1);
    if (last !== undefined && last.length + text.length < WIDTH - 2 * depth)
      lines[lines.length - 1] = `${last} ${text}`;
    else lines.push(text);
  }
  return `[\n${lines.map((line) => `${indent(depth + 1)}${line}`).join('\n')}\n${indent(depth)}]`;
}

/** SQL is full of quotes: the text goes into those that it does not hold. */
function quoted(text: string, depth: number): string {
  const escaped = text.replaceAll('\\', '\\\\');
  if (text.includes('\n')) {
    const lines = escaped.replaceAll('`', '\\`').replaceAll('${', '\\${').split('\n');
    return `\`${lines.map((line, i) => (i === 0 ? line : `${indent(depth + 1)}${line.trim()}`)).join('\n')}\``;
  }
  const plain = escaped.replaceAll('\t', '\\t').replaceAll('\u0001', '\\u0001');
  if (!text.includes("'")) return `'${plain}'`;
  if (!text.includes('"')) return `"${plain}"`;
  return `\`${plain.replaceAll('`', '\\`').replaceAll('${', '\\${')}\``;
}

function comment(lines: readonly string[], depth: number): string {
  return lines
    .flatMap((line) => folded(line))
    .map((line) => `${indent(depth)}// ${line}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('');
}

/** Prose is folded between words; a commented setting stays on its line. */
function folded(text: string): string[] {
  if (/^\w+: .*,$/.test(text)) return [text];
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < COMMENT_WIDTH)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const indent = (depth: number): string => '  '.repeat(depth);
const nameOf = (key: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(key) ? key : `'${key.replaceAll("'", "\\'")}'`;
