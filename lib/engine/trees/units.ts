import type { Sums, Units } from './space.ts';

/** Bits of a gradient or hessian, its sign aside: what a pair's int32 holds. */
const VALUE_BITS = 30;
const SUM_BITS = 63;

/**
 * Units in which gradients and hessians are whole numbers, so that their sums are exact and depend on no order (as in
 * Shi et al. 2022, "Quantized training of gradient boosting decision trees", but with 30 bits instead of 5). Powers of two.
 * Hessians have fewer bits beyond a million rows: a bin's sum shares its 63 bits with the number of rows.
 */
export function unitsOf(largestGradient: number, largestHessian: number, rows: number): Units {
  const countBits = Math.ceil(Math.log2(rows + 1));
  const hessianBits = Math.min(VALUE_BITS, SUM_BITS - 2 * countBits);
  return {
    gradient: powerAbove(largestGradient) * 2 ** -VALUE_BITS,
    hessian: powerAbove(largestHessian) * 2 ** -hessianBits,
    countShift: countBits + hessianBits,
  };
}

/** The least power of two that is no less. */
function powerAbove(value: number): number {
  return value > 0 ? 2 ** Math.ceil(Math.log2(value)) : 1;
}

export function gradientOf(sums: Sums, units: Units): number {
  return Number(sums.gradient) * units.gradient;
}

export function hessianOf(sums: Sums, units: Units): number {
  return Number(sums.hessian & ((1n << BigInt(units.countShift)) - 1n)) * units.hessian;
}

export function rowsOf(sums: Sums, units: Units): number {
  return Number(sums.hessian >> BigInt(units.countShift));
}

export function minus(whole: Sums, part: Sums): Sums {
  return { gradient: whole.gradient - part.gradient, hessian: whole.hessian - part.hessian };
}
