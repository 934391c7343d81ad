/** Which of the named groups each kept feature belongs to, as the matrix that sums reasons. */
export function groupMatrix(groupOf: readonly string[]): {
  names: string[];
  count: number;
  matrix: Float32Array;
} {
  const names = [...new Set(groupOf)].sort();
  const matrix = new Float32Array(groupOf.length * names.length);
  groupOf.forEach((group, i) => {
    matrix[i * names.length + names.indexOf(group)] = 1;
  });
  return { names, count: names.length, matrix };
}
