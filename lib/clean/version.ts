import { Refusal } from './errors.ts';
import { type Field, instantOf, isFraction, isInteger, isText, show, textOf } from './expressions.ts';
import type { Check, Output, TablePlan } from './table.ts';

/** What says which of an event's versions is the newest, as part of a plan; nothing where the source does not say. */
export interface VersionPlan {
  readonly typed: readonly string[];
  readonly checks: readonly Check[];
  readonly outputs: readonly Output[];
}

/**
 * The expression of `newestBy` as the column `version`: a number as it is, a time as ms since 1970. Text is a number where
 * it reads as one, else a time.
 * @param zone of naive times
 * @throws Refusal for a type that is neither
 */
export function planVersion(field: Field | undefined, zone: string): VersionPlan {
  if (!field) return { typed: [], checks: [], outputs: [] };
  const isNumber = isInteger(field.type) || isFraction(field.type);
  const instant = isNumber ? undefined : instantOf(field, zone);
  if (!isNumber && !instant) {
    throw new Refusal(
      `newestBy gives ${field.type}, which can not be ordered: ${field.expression}`,
      'give a number, or a time as text, TIMESTAMP, TIMESTAMPTZ or DATE',
    );
  }
  const value = isText(field.type) ? textOf(field) : field.value;
  const number = `TRY_CAST(${value} AS DOUBLE)`;
  const time = `TRY(epoch_ms(${instant}))::DOUBLE`;
  const sql = isNumber ? number : isText(field.type) ? `coalesce(${number}, ${time})` : time;
  return {
    typed: [`${sql} AS nj_version`, `${value} IS NOT NULL AS nj_versioned`],
    checks: [
      {
        column: 'newestBy',
        kind: 'newestBy: no number and no time',
        when: 'nj_versioned AND (nj_version IS NULL OR NOT isfinite(nj_version))',
        reason: `'newestBy: ' || ${show(field.value)} || ' is no number and no time'`,
      },
    ],
    outputs: [{ name: 'version', sql: 'nj_version', type: 'double', nullable: true }],
  };
}

/** Terms that put the newest of equal rows of one drop first; none where nothing but the drop says so. */
export function newestFirst({ outputs }: TablePlan): string {
  return outputs.some(({ name }) => name === 'version') ? 'o_version DESC NULLS LAST, ' : '';
}
