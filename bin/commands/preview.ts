import type { NamedSource, Preview } from '../../lib/clean/index.ts';
import type { Config } from '../../lib/config/index.ts';
import { minorDigits } from '../../lib/data/index.ts';
import type { Cure } from '../../lib/presets/index.ts';
import { table, thousands } from './shared.ts';

/** Characters of a cell. */
const CELL = 32;

/** Columns that are the same in every row say nothing. */
const QUIET = new Set(['hour']);

/** What a config makes of a file, for a person: rows with days as dates, money with its currency, and what became of the rest. */
export function showPreview(
  preview: Extract<Preview, { status: 'read' }>,
  { source }: NamedSource,
  { shop }: Config,
): string {
  const lines: string[] = [];
  const columns = Object.keys(preview.rows[0] ?? {}).filter((column) => !QUIET.has(column));
  if (columns.length > 0) {
    const digits = minorDigits(shop.currency);
    const heads = columns.map((column) => {
      if (column === 'time' || column === 'valid_from') return `${column} (${shop.timeZone})`;
      return isMoney(column) && shop.currency ? `${column} (${shop.currency})` : column;
    });
    const cell = (column: string, value: unknown) => {
      if (value === null || value === undefined) return '–';
      if (isMoney(column) && typeof value === 'number') return value.toFixed(digits);
      return String(value).slice(0, CELL);
    };
    lines.push(
      table(
        heads,
        preview.rows.map((row) => columns.map((column) => cell(column, row[column]))),
      ),
    );
  }
  for (const { row, reason } of preview.errors) lines.push(`row ${row}: ${reason}`);
  const { rowsIn, clean, duplicates, quarantined, days } = preview;
  const from = days ? `, days ${days.first} to ${days.last}` : '';
  lines.push(
    '',
    `${thousands(rowsIn)} rows in: ${thousands(clean)} clean, ${thousands(duplicates)} duplicates${from}`,
  );
  for (const [condition, rows] of Object.entries(preview.leftOut))
    lines.push(`left out     ${thousands(rows)} rows: ${condition}`);
  for (const [reason, rows] of Object.entries(quarantined))
    lines.push(`quarantined  ${thousands(rows)} rows: ${reason}`);
  const stated = source.missing === undefined ? '' : ' (by the setting "missing")';
  lines.push(`no value     the empty text, ${preview.missing.join(', ') || 'and no other'}${stated}`);
  return lines.join('\n');
}

const isMoney = (column: string): boolean => column === 'price' || column === 'amount';

/** What the file suggests to change. */
export const showCures = (cures: readonly Cure[]): string =>
  cures.map(({ seen, setting }) => `  ${seen}:\n    ${setting}`).join('\n');
