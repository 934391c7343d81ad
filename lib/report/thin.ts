import type { Curve } from './measure-types.ts';

/**
 * Thins a curve to at most `limit` points (never fewer than its two ends) so that it still looks the same: starting
 * from the ends, the point farthest from the drawn line is added, until the limit is reached or no point is farther
 * than `tolerance`. This is Ramer-Douglas-Peucker (Douglas and Peucker 1973), farthest point first, so that a limit
 * can stop it at any time. Distances are shares of the curve's own width and height. Kept points are input points in
 * their order, never averages; points that are not finite are left out first.
 */
export function thinCurve(points: Curve, limit = 200, tolerance = 0.0005): Curve {
  const curve = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (curve.length <= 2) return curve;
  const unit = toUnitBox(curve);
  const kept = new Set([0, unit.length - 1]);
  let open = [farthest(unit, 0, unit.length - 1)];
  while (kept.size < limit && open.length > 0) {
    let next = open[0]!;
    for (const piece of open) if (piece.distance > next.distance) next = piece;
    if (!(next.distance > tolerance)) break;
    kept.add(next.at);
    open = open.filter((piece) => piece !== next);
    if (next.at - next.from > 1) open.push(farthest(unit, next.from, next.at));
    if (next.to - next.at > 1) open.push(farthest(unit, next.at, next.to));
  }
  return curve.filter((_, i) => kept.has(i));
}

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly distance: number;
}

/** The point between two kept ones that is farthest from the segment that joins them. */
function farthest(curve: Curve, from: number, to: number): Piece {
  const [x1, y1] = curve[from]!;
  const [x2, y2] = curve[to]!;
  const [dx, dy] = [x2 - x1, y2 - y1];
  const squared = dx * dx + dy * dy;
  let at = from + 1;
  let distance = -1;
  for (let i = from + 1; i < to; i++) {
    const [x, y] = curve[i]!;
    const along = squared === 0 ? 0 : ((x - x1) * dx + (y - y1) * dy) / squared;
    const nearest = Math.min(1, Math.max(0, along));
    const [across, up] = [x - x1 - nearest * dx, y - y1 - nearest * dy];
    const away = Math.sqrt(across * across + up * up);
    if (away > distance) {
      distance = away;
      at = i;
    }
  }
  return { from, to, at, distance };
}

function toUnitBox(curve: Curve): Curve {
  let [left, bottom] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [right, top] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [x, y] of curve) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    bottom = Math.min(bottom, y);
    top = Math.max(top, y);
  }
  const [width, height] = [right - left || 1, top - bottom || 1];
  return curve.map(([x, y]) => [(x - left) / width, (y - bottom) / height] as const);
}
