import { stableUnit } from '../../data/index.ts';

/** Share of the training rows that choose the model. */
const HELD_OUT = 0.15;
/** Equal parts of the file, by row numbers. */
const PARTS = 20;

/**
 * Training rows that choose the model: about 15 %, drawn from where the test rows stand in the file. Files mostly grow with
 * time. A test that is a random part of the rows is foretold by a random part of the others; one that is their end, or of some
 * months, is foretold by the training rows beside it.
 * @param rows row numbers of the file, ascending
 * @returns a subset of `train`, in its order
 */
export function holdOut(rows: {
  /** By place in the table. */
  readonly rowIds: Int32Array;
  /** Places. */
  readonly train: Int32Array;
  readonly test: Int32Array;
}): Int32Array {
  const { rowIds, train, test } = rows;
  const last = [...train, ...test].reduce((most, row) => Math.max(most, rowIds[row]!), 0);
  const partOf = (row: number) => Math.min(PARTS - 1, Math.floor((PARTS * rowIds[row]!) / (last + 1)));
  const held = heldOf(countBy(train, partOf), countBy(test, partOf));
  const rates = countBy(train, partOf).map((count, part) => (count === 0 ? 0 : held[part]! / count));
  return train.filter((row) => stableUnit('held out', String(rowIds[row])) < rates[partOf(row)]!);
}

function countBy(rows: Int32Array, partOf: (row: number) => number): number[] {
  const counts = new Array<number>(PARTS).fill(0);
  for (const row of rows) counts[partOf(row)]!++;
  return counts;
}

/** How many training rows of each part are held out: as the test rows lie, or, where there are too few, before them, then behind. */
function heldOf(train: readonly number[], test: readonly number[]): number[] {
  const sum = (counts: readonly number[]) => counts.reduce((all, one) => all + one, 0);
  const wanted = HELD_OUT * sum(train);
  const like = sum(test) > 0 ? test : train;
  const held = new Array<number>(PARTS).fill(0);
  const take = (part: number, count: number): number => {
    const taken = Math.min(count, train[part]! - held[part]!);
    held[part]! += taken;
    return count - taken;
  };
  like.forEach((count, part) => {
    let left = (wanted * count) / sum(like);
    for (let at = part; at >= 0; at--) left = take(at, left);
    for (let at = part + 1; at < PARTS; at++) left = take(at, left);
  });
  return held;
}
