/** The weight of a leaf that lowers the loss most, within bounds (Chen & Guestrin 2016, equation 5). */
export function leafWeight(gradient: number, hessian: number, l2: number, low: number, high: number): number {
  const below = hessian + l2;
  // no curvature and no penalty: nothing says how far to go
  if (below <= 0) return Math.min(Math.max(0, low), high);
  return Math.min(Math.max(-gradient / below, low), high);
}

/** How much a leaf of this weight lowers the loss, twice (equation 6; G² / (H + l2) at the best weight). */
export function leafScore(gradient: number, hessian: number, l2: number, weight: number): number {
  return -weight * (2 * gradient + (hessian + l2) * weight);
}

/** Of a leaf's own score: what a split gains less than this is the rounding of equal sides. */
export const ROUNDING = 1e-10;
