/**
 * What one leaf gives each column of its path when the columns marked in `ones` are known (TreeSHAP, Lundberg, Erion & Lee
 * 2018, algorithm 2). `zero[i]` is the share of training rows that go the path's way at the splits by column i; ones[i] is
 * 1 if the row goes that way at all of them.
 * @param out per column of the path: Σ over subsets of the others of their weight, times (ones - zero)
 * @param spare at least one number more than the path has columns
 */
export function pathContributions(
  zero: Float64Array,
  ones: Uint8Array,
  out: Float64Array,
  spare: Float64Array,
): void {
  const depth = zero.length;
  // EXTEND: spare[k] is the weight of all subsets of k columns, so far
  spare.fill(0, 0, depth + 1);
  spare[0] = 1;
  for (let length = 1; length <= depth; length++) {
    const [z, o] = [zero[length - 1]!, ones[length - 1]!];
    spare[length] = 0;
    for (let i = length - 1; i >= 0; i--) {
      spare[i + 1]! += (o * spare[i]! * (i + 1)) / (length + 1);
      spare[i]! *= (z * (length - i)) / (length + 1);
    }
  }
  // the sum of the weights with a column's own factors taken out again (UNWIND)
  for (let column = 0; column < depth; column++) {
    const [z, o] = [zero[column]!, ones[column]!];
    let sum = 0;
    if (o === 1) {
      let next = spare[depth]!;
      for (let i = depth - 1; i >= 0; i--) {
        const without = (next * (depth + 1)) / (i + 1);
        sum += without;
        next = spare[i]! - (without * z * (depth - i)) / (depth + 1);
      }
    } else {
      for (let i = depth - 1; i >= 0; i--) sum += (spare[i]! / z) * ((depth + 1) / (depth - i));
    }
    out[column] = sum * (o - z);
  }
}
