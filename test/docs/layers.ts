// Writes the tables of layers into docs/architecture.md: node --import tsx test/docs/layers.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import rooms from '../../lib/rooms.json' with { type: 'json' };

export const DOCUMENT = fileURLToPath(new URL('../../docs/architecture.md', import.meta.url));
const BEGIN =
  '<!-- layers: written by `node --import tsx test/docs/layers.ts` from lib/rooms.json; a test compares -->';
const END = '<!-- end of layers -->';

/** Rooms of a folder with the number of their layer, the lowest at the end: imports run down the page. */
function table(folder: string, layers: readonly Readonly<Record<string, string>>[]): string {
  const rows = layers.map((layer, i) =>
    Object.entries(layer).map(([room, what]) => `| ${i + 1} | \`${room}\` | ${what} |`),
  );
  return [`| layer | room of \`${folder}\` | what |`, '|---|---|---|', ...rows.reverse().flat()].join('\n');
}

/** The document with its tables as the rules have them. */
export function withLayers(document: string): string {
  const { doors, ...plans } = rooms;
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (from < 0 || to < from) throw new Error('docs/architecture.md has no place for the layers');
  const tables = Object.entries(plans).map(([folder, layers]) =>
    // The imported type has every room of every layer as a key that may be missing.
    table(folder, layers as unknown as readonly Record<string, string>[]),
  );
  const second = Object.entries(doors).map(([door, why]) => `| \`${door}\` | ${why} |`);
  const text = [...tables, ['| second door | why |', '|---|---|', ...second].join('\n')].join('\n\n');
  return `${document.slice(0, from)}${BEGIN}\n\n${text}\n\n${document.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(DOCUMENT, withLayers(readFileSync(DOCUMENT, 'utf8')));
}
