import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema } from '../../lib/config/schema.ts';
import { DOCUMENT, settingsPage } from './settings.ts';
import { ROOT } from './support.ts';

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly allOf?: readonly Node[];
}

/** Names of all settings, however deep. */
function settingsOf({ properties = {}, additionalProperties, items, ...node }: Node): string[] {
  const below = [
    ...Object.values(properties),
    ...(typeof additionalProperties === 'object' ? [additionalProperties] : []),
    ...(items ? [items] : []),
    ...[node.anyOf, node.oneOf, node.allOf].flatMap((nodes) => nodes ?? []),
  ];
  return [...Object.keys(properties), ...below.flatMap(settingsOf)];
}

it('docs/config.md names every setting of the schema', () => {
  const schema = z.toJSONSchema(configSchema, { unrepresentable: 'any', io: 'input' }) as Node;
  const page = readFileSync(`${ROOT}docs/config.md`, 'utf8');
  const names = [...new Set(settingsOf(schema))];
  const isNamed = (name: string) => new RegExp(`\`[^\`\\n]*\\b${name}\\b[^\`\\n]*\`|\\b${name}:`).test(page);
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name) => !isNamed(name))).toEqual([]);
});

it('docs/settings.md is what the schema says', () => {
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(settingsPage());
});
