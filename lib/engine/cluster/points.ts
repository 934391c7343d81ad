import { ClusterError } from './errors.ts';

/** Points in a row: coordinate j of point i is `values[i * width + j]`. */
export interface Points {
  /** (points, width), finite. */
  readonly values: Float64Array;
  readonly width: number;
}

export const countOf = ({ values, width }: Points): number => values.length / width;

/** @throws ClusterError unless these are finite points of one width */
export function checkPoints({ values, width }: Points): void {
  if (!Number.isInteger(width) || width < 1 || values.length % width !== 0) {
    throw new ClusterError(
      `${values.length} values are no points of ${width} coordinates; a whole number of points is expected`,
    );
  }
  const odd = values.findIndex((value) => !Number.isFinite(value));
  if (odd < 0) return;
  throw new ClusterError(
    `coordinate ${odd % width} of point ${Math.floor(odd / width)} is ${values[odd]}; a finite number is expected`,
  );
}

/** Squared Euclidean distance of point i of `a` and point j of `b`, both of one width. */
export function squaredDistance(
  a: Float64Array,
  i: number,
  b: Float64Array,
  j: number,
  width: number,
): number {
  let sum = 0;
  for (let c = 0, p = i * width, q = j * width; c < width; c++) {
    const difference = a[p + c]! - b[q + c]!;
    sum += difference * difference;
  }
  return sum;
}
