import type { RuleTable } from '../rule.ts';

/** Rounding has no slope: quantised graphs are made of trained ones and are not trained. */
export const quantisedRules = { DynamicQuantizeLinear: 'none', MatMulInteger: 'none' } satisfies RuleTable;
