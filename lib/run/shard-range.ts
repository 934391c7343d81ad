/** The shards from `from` on, up to, not including, `to`. */
export interface ShardRange {
  readonly from: number;
  readonly to: number;
}

/**
 * An equal part of some shards, such as those of one child of an array job, by its index.
 * @param parts how many there are
 */
export function shardRange(shards: number, parts: number, index: number): ShardRange {
  return { from: Math.floor((index * shards) / parts), to: Math.floor(((index + 1) * shards) / parts) };
}
