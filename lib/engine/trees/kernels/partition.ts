import {
  block,
  type Code,
  copyBytes,
  get,
  i32,
  i64,
  type Kernel,
  leave,
  leaveIf,
  loop,
  set,
  when,
} from '../../host/assembler.ts';

/**
 * partition(rows, end, pairs, column, below, missingRight, spareRows, sparePairs, out): of the row indices from `rows` to
 * `end` brings those whose bin goes left to the front and the others to the spare list, both in their old order, and moves
 * the pairs (0: there are none) along; `out` gets the number of the left ones (int32). Left goes a bin below `below`, where
 * the missing bin 0 counts as 256 if missingRight is 1. Without branches by the bin: which side a row goes cannot be
 * foreseen.
 */
export function partition(): Kernel {
  const [rows, end, pairs, column, below, missingRight, spareRows, sparePairs, out] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8,
  ];
  const [from, row, goesLeft, left, spare, pairFrom, pairLeft, pairSpare, pair] = [
    9, 10, 11, 12, 13, 14, 15, 16, 17,
  ];
  const step = (pointer: number, by: Code): Code => set(pointer, i32.add(get(pointer), by));
  const four = i32.shl(get(goesLeft), i32.of(2));
  const eight = i32.shl(get(goesLeft), i32.of(3));
  return {
    name: 'partition',
    parameters: new Array(9).fill('i32'),
    locals: [...new Array(8).fill('i32'), 'i64'],
    body: [
      set(from, get(rows)),
      set(left, get(rows)),
      set(spare, get(spareRows)),
      set(pairFrom, get(pairs)),
      set(pairLeft, get(pairs)),
      set(pairSpare, get(sparePairs)),
      set(below, i32.sub(get(below), get(missingRight))),
      block(
        loop([
          leaveIf(1, i32.eqz(i32.ltUnsigned(get(from), get(end)))),
          set(row, i32.load(get(from))),
          set(
            goesLeft,
            // the missing bin less 1 is the largest number
            i32.ltUnsigned(
              i32.sub(i32.loadByte(i32.add(get(column), get(row))), get(missingRight)),
              get(below),
            ),
          ),
          i32.store(get(left), get(row)),
          i32.store(get(spare), get(row)),
          when(get(pairs), [
            set(pair, i64.load(get(pairFrom))),
            i64.store(get(pairLeft), get(pair)),
            i64.store(get(pairSpare), get(pair)),
            step(pairFrom, i32.of(8)),
            step(pairLeft, eight),
            step(pairSpare, i32.sub(i32.of(8), eight)),
          ]),
          step(from, i32.of(4)),
          step(left, four),
          step(spare, i32.sub(i32.of(4), four)),
          leave(0),
        ]),
      ),
      // a count, from a distance in bytes
      i32.store(get(out), i32.shrUnsigned(i32.sub(get(left), get(rows)), i32.of(2))),
    ],
  };
}

/** copy(to, from, bytes): places may overlap. A typed array over shared memory copies several times slower. */
export function copy(): Kernel {
  return {
    name: 'copy',
    parameters: ['i32', 'i32', 'i32'],
    locals: [],
    body: copyBytes(get(0), get(1), get(2)),
  };
}
