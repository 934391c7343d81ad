import type { RuleTable } from '../rule.ts';

/** A tree is constant between its thresholds: its slope by the input is zero almost everywhere. */
export const treeRules = { TreeEnsembleRegressor: 'none' } satisfies RuleTable;
