/** (1 - e^(power x log)) / power, which is -log at a power of 0. */
export function lostShare(power: number, log: number): number {
  return Math.abs(power) < 1e-12 ? -log : -Math.expm1(power * log) / power;
}
