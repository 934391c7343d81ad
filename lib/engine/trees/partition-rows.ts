import { type Answer, type Range, type Space, TASK_ROWS } from './space.ts';

/**
 * Brings the rows of a range that go left by a split to its front, both sides in their old order; how many do. Long ranges
 * are partitioned in parts of a fixed number of rows, so that the order does not depend on threads.
 */
export function partitionRows(
  space: Space,
  list: 'grown' | 'following',
  { start, count }: Range,
  column: number,
  split: Answer,
): number {
  if (count === 0) return 0;
  const { team, at, lefts } = space;
  const withPairs = list === 'grown';
  const parts = Math.ceil(count / TASK_ROWS);
  for (let part = 0; part < parts; part++) {
    const first = part * TASK_ROWS;
    const rows = at[list] + 4 * (start + first);
    team.task();
    team.call(
      'partition',
      rows,
      rows + 4 * Math.min(TASK_ROWS, count - first),
      withPairs ? at.pairs + 8 * (start + first) : 0,
      at.columns + column * space.columnBytes,
      split.bin + 1,
      split.missingLeft ? 0 : 1,
      at.spareRows + 4 * first,
      at.sparePairs + 8 * first,
      at.lefts + 4 * part,
    );
  }
  team.run(parts === 1);
  gather(space, at[list] + 4 * start, at.spareRows, count, 4);
  if (withPairs) gather(space, at.pairs + 8 * start, at.sparePairs, count, 8);
  let left = 0;
  for (let part = 0; part < parts; part++) left += lefts[part]!;
  return left;
}

/** Puts the parts' left sides behind one another, then their right sides; `width` bytes for each row. */
function gather({ team, lefts }: Space, list: number, spare: number, count: number, width: number): void {
  const { copy } = team.kernels;
  let end = list;
  for (let first = 0, part = 0; first < count; first += TASK_ROWS, part++) {
    const bytes = lefts[part]! * width;
    if (part > 0) copy(end, list + first * width, bytes);
    end += bytes;
  }
  for (let first = 0, part = 0; first < count; first += TASK_ROWS, part++) {
    const bytes = (Math.min(TASK_ROWS, count - first) - lefts[part]!) * width;
    copy(end, spare + first * width, bytes);
    end += bytes;
  }
}
