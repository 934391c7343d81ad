import { prefixOf, sourceOf } from '../../clean/index.ts';
import { type HistoryPart, inOrder } from '../history.ts';
import type { Row } from './rows.ts';
import type { View } from './view.ts';

/**
 * The sizes of the drops that the settings of an earlier night have rows of, by source, parted into those of which the
 * settings of now have rows and the others. What no source takes any more is left out.
 */
export async function sizesBefore(now: View, before: View): Promise<HistoryPart[]> {
  const { loaded } = now;
  const { config } = before.settings;
  const sizes = new Map<string, { through: number; waits: number }>();
  for (const [n, { group, rows, summary }] of loaded.refs.entries()) {
    const source = summary.source === null ? undefined : config.sources[summary.source];
    if (!before.scopes.all.has(group) || !source) continue;
    const { flags, sizes: own } = loaded.members[n]!;
    const taken = await stillTaken(now, n, prefixOf(summary.source!, source));
    for (let row = 0; row < rows; row++) {
      if (flags[row] !== 1 || !taken(row)) continue;
      const sum = sizes.get(summary.source!) ?? { through: 0, waits: 0 };
      sizes.set(summary.source!, sum);
      const read = loaded
        .placesOf(n, row)
        .some(
          (at) =>
            now.scopes.all.has(loaded.refs[at.segment]!.group) &&
            loaded.members[at.segment]!.flags[at.row] === 1,
        );
      sum[read ? 'through' : 'waits'] += own[row]!;
    }
  }
  const parts = [...sizes].flatMap(([name, { through, waits }]): HistoryPart[] => {
    const source = { name, source: config.sources[name]! };
    return [
      { source, size: through, through: true },
      { source, size: waits, through: false },
    ];
  });
  return inOrder(parts);
}

/** Does a source of now take a row of a segment? Mostly its prefix says so of all. */
async function stillTaken(
  { loaded, settings: { config } }: View,
  n: number,
  prefix: string,
): Promise<(row: number) => boolean> {
  const prefixes = Object.entries(config.sources).map(([name, source]) => prefixOf(name, source));
  if (prefixes.some((own) => prefix.startsWith(own))) return () => true;
  if (!prefixes.some((own) => own.startsWith(prefix))) return () => false;
  const { row } = await loaded.rowsOf(n);
  const takes = ({ key }: Row) => sourceOf(config, key) !== undefined;
  return (i) => takes(row(i));
}
