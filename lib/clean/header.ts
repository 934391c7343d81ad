import { Refusal } from './errors.ts';

/** The fields of one csv record (its line end may still be on it). Doubled quotes are one quote. */
export function splitRecord(record: string, delimiter: string, quote: string): string[] {
  const text = record.replace(/^[\r\n]+|[\r\n]+$/g, '');
  if (text === '') return [];
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  let start = true;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (quoted) {
      if (char !== quote) field += char;
      else if (text.charAt(i + 1) === quote) {
        field += quote;
        i++;
      } else quoted = false;
    } else if (char === delimiter) {
      fields.push(field);
      field = '';
      start = true;
      continue;
    } else if (start && quote !== '' && char === quote) quoted = true;
    else field += char;
    start = false;
  }
  fields.push(field);
  return fields;
}

/**
 * @throws Refusal for a header that names a column twice (DuckDB's names ignore case) or not at all
 */
export function checkHeader(header: readonly string[]): void {
  const seen = new Map<string, string>();
  header.forEach((name, index) => {
    if (name.trim() === '') {
      throw new Refusal(
        `column ${index + 1} of the header has no name (${quoteNames(header)})`,
        'name every column, or set csv.columns in the config if the file has no header line',
      );
    }
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined) {
      throw new Refusal(
        `the header names the column "${name}" twice${twin === name ? '' : ` (also as "${twin}")`}`,
        'rename one of them, or set csv.columns in the config if the file has no header line',
      );
    }
    seen.set(name.toLowerCase(), name);
  });
}

/** A column that the config needs and the file lacks. */
export function missingColumn(wanted: string, by: string, columns: readonly string[]): Refusal {
  const near = closest(wanted, columns);
  const guess = near === undefined ? '' : `; did you mean "${near}"?`;
  const hint =
    columns.length === 0
      ? 'the file has no columns'
      : `its columns are ${quoteNames(columns)}${guess} Change the config or the file`;
  return new Refusal(`the file has no column "${wanted}", which ${by} needs`, hint);
}

function quoteNames(names: readonly string[]): string {
  const shown = names.slice(0, 40).map((name) => `"${name}"`);
  return names.length > shown.length
    ? `${shown.join(', ')} and ${names.length - shown.length} more`
    : shown.join(', ');
}

function closest(name: string, candidates: readonly string[]): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (!best || distance < best.distance) best = { candidate, distance };
  }
  return best && best.distance <= Math.max(2, name.length / 2) ? best.candidate : undefined;
}

/** Levenshtein (1966): single-character insertions, deletions and substitutions. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitute));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
