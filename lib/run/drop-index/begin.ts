import type { Config } from '../../config/index.ts';
import type { IndexLimits } from '../index-limits.ts';
import type { DropState, Listed } from '../inputs.ts';
import { writeHead } from './head.ts';
import { Loaded } from './loaded.ts';
import { judgedRow, newRow, otherRow, type Row } from './rows.ts';
import { scopesOf } from './scopes.ts';
import { WAITING } from './segments.ts';

interface BeginArgs {
  readonly config: Config;
  readonly now: Date;
  readonly limits: IndexLimits;
}

/**
 * Begins the index of a store. Two at once make the same.
 * @param drops what is known of all that was listed, if it is
 */
export async function beginIndex(
  { store, dropped, others }: Pick<Listed, 'store' | 'dropped' | 'others'>,
  drops: readonly DropState[],
  { config, now, limits }: BeginArgs,
): Promise<void> {
  const scopes = scopesOf(config);
  const states = new Map(drops.map((drop) => [drop.key, drop]));
  const add = new Map<string, Row[]>();
  const put = (row: Row) => {
    const group = row.state === 'pending' ? WAITING : scopes.of(row.key).scope;
    add.set(group, add.get(group) ?? []);
    add.get(group)!.push(row);
  };
  for (const info of dropped) {
    const drop = states.get(info.key);
    if (drop) put(judgedRow(newRow(info), drop));
  }
  for (const entry of others) {
    const drop = states.get(entry.key);
    if (drop) put(otherRow(entry, drop));
  }
  const empty = await Loaded.open(store, []);
  const { refs } = await empty.change({ add, cursor: '', now, rows: limits.rows });
  const begun = now.toISOString();
  const whole = drops.length > 0 ? begun : null;
  const settings = { name: scopes.name, since: begun };
  const round = { begun, cursor: '' };
  await writeHead(store, { format: 1, refs, round, whole, settings, looked: '', slice: 0 }, undefined);
}
