import { stableUnit } from '../../data/index.ts';

/** Share of the training rows that choose the model. */
const HELD_OUT = 0.15;
/** Of fewer rows of a class most may be held out by chance. */
const FEWEST_OF_CLASS = 20;
/** Equal parts of the file, by row numbers. */
const PARTS = 20;

/**
 * Training rows that choose the model: about 15 %, drawn from where the test rows stand in the file. Files mostly grow with
 * time. A test that is a random part of the rows is foretold by a random part of the others; one that is their end, or of some
 * months, is foretold by the training rows beside it.
 * A file that is sorted by its classes would lose whole ones so: then the rows are a random part, wherever the test rows stand.
 * @param rows row numbers of the file, ascending
 * @returns a subset of `train`, in its order
 */
export function holdOut(rows: {
  /** By place in the table. */
  readonly rowIds: Int32Array;
  /** Places. */
  readonly train: Int32Array;
  readonly test: Int32Array;
  /** Of a row, where it has one class. */
  readonly classOf?: ((row: number) => number) | undefined;
}): Int32Array {
  const { rowIds, train, test, classOf } = rows;
  const last = [...train, ...test].reduce((most, row) => Math.max(most, rowIds[row]!), 0);
  const partOf = (row: number) => Math.min(PARTS - 1, Math.floor((PARTS * rowIds[row]!) / (last + 1)));
  const held = heldOf(countBy(train, partOf), countBy(test, partOf));
  const rates = countBy(train, partOf).map((count, part) => (count === 0 ? 0 : held[part]! / count));
  const unitOf = (row: number) => stableUnit('held out', String(rowIds[row]));
  const beside = train.filter((row) => unitOf(row) < rates[partOf(row)]!);
  if (!classOf || !losesClass(train, beside, classOf)) return beside;
  return train.filter((row) => unitOf(row) < HELD_OUT);
}

/** Would most rows of a class that has enough of them be held out? */
function losesClass(train: Int32Array, held: Int32Array, classOf: (row: number) => number): boolean {
  const counts = (rows: Int32Array) => {
    const found = new Map<number, number>();
    for (const row of rows) found.set(classOf(row), (found.get(classOf(row)) ?? 0) + 1);
    return found;
  };
  const all = counts(train);
  return [...counts(held)].some(
    ([own, count]) => all.get(own)! >= FEWEST_OF_CLASS && 2 * count > all.get(own)!,
  );
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
