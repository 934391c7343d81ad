import { comparerOf } from './shard-rows.ts';

/** Shard and row of each user in the order of ids; rows of a table in that of their numbers. */
export function* byId(
  id: 'user_id' | 'row_id' | 'item' | 'category',
  shards: readonly { readonly ids: readonly string[] }[],
): Generator<readonly [shard: number, row: number]> {
  const ids = shards.flatMap((rows) => rows.ids);
  const starts: number[] = [];
  let start = 0;
  for (const rows of shards) {
    starts.push(start);
    start += rows.ids.length;
  }
  const shardOf = new Uint16Array(ids.length);
  for (const [shard, from] of starts.entries()) shardOf.fill(shard, from);
  const compare = id === 'row_id' ? (a: string, b: string) => Number(a) - Number(b) : comparerOf(ids);
  const order = Uint32Array.from(ids, (_, place) => place).sort((a, b) => compare(ids[a]!, ids[b]!));
  for (const place of order) {
    const shard = shardOf[place]!;
    yield [shard, place - starts[shard]!];
  }
}
