import { block, f32, get, i32, type Kernel, leave, leaveIf, loop, set } from '../../host/assembler.ts';

/** Edges that a search of eight steps looks among: those of a column, then Infinity. */
export const SEARCHED_EDGES = 256;

/**
 * assign(values, end, stride, edges, out): for each float32 from `values` to `end`, every `stride` bytes, writes the byte of
 * its bin: 1 + the number of `edges` (256, ascending) that it is above, and 0 where it is NaN. Eight steps without branches.
 */
export function assign(): Kernel {
  const [values, end, stride, edges, out, at] = [0, 1, 2, 3, 4, 5];
  const x = 6;
  const steps = Array.from({ length: 8 }, (_, i) => SEARCHED_EDGES >> (i + 1));
  return {
    name: 'assign',
    parameters: new Array(5).fill('i32'),
    locals: ['i32', 'f32'],
    body: [
      block(
        loop([
          leaveIf(1, i32.eqz(i32.ltUnsigned(get(values), get(end)))),
          set(x, f32.load(get(values))),
          set(at, get(edges)),
          steps.map((step) =>
            set(
              at,
              i32.add(
                get(at),
                i32.shl(f32.gt(get(x), f32.load(get(at), 4 * (step - 1))), i32.of(Math.log2(4 * step))),
              ),
            ),
          ),
          i32.storeByte(
            get(out),
            // a number equals itself
            i32.mul(
              f32.eq(get(x), get(x)),
              i32.add(i32.shrUnsigned(i32.sub(get(at), get(edges)), i32.of(2)), i32.of(1)),
            ),
          ),
          set(values, i32.add(get(values), get(stride))),
          set(out, i32.add(get(out), i32.of(1))),
          leave(0),
        ]),
      ),
    ],
  };
}
