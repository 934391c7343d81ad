import { Refusal } from '../errors.ts';

const FILE = 'the file';

/** A column that the config needs and the file lacks. */
export function missingColumn(wanted: string, by: string, columns: readonly string[], of = FILE): Refusal {
  const near = closest(wanted, columns);
  const guess = near === undefined ? '' : `. Did you mean "${near}"?`;
  const hint =
    columns.length === 0
      ? 'the file has no columns'
      : `its columns are ${quoteNames(columns)}${guess || '.'} Change the config or the file; where files may lack it, say so: optional: ["${wanted}"]`;
  // A table of ours is told in few words: its reader knows the columns.
  const nearest = of === FILE || near === undefined ? '' : ` (did you mean "${near}"?)`;
  return new Refusal(`${of} has no column "${wanted}", which ${by} needs${nearest}`, hint);
}

export function quoteNames(names: readonly string[]): string {
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
