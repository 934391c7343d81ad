import type { Source } from '../../config/index.ts';
import { DAY_MS, instantOfLocal, parseDay, zoneRules } from '../../data/index.ts';
import { quoteText } from '../duckdb/index.ts';
import { Refusal } from '../errors.ts';
import { check, timeChecks } from './checks.ts';
import { type Field, isDecimal, isFloat } from './fields.ts';
import type { Reading } from './reading.ts';
import { type Check, type Output, VALUE } from './table.ts';
import { idOf, plainText } from './texts.ts';
import { timeOf } from './times.ts';

type Split = NonNullable<Extract<Source, { table: 'labels' }>['split']>;

/** What a split by time adds to a labelled table: `split`, and `split_at`, by which its rows follow one another. */
export interface SplitColumns {
  readonly stages: readonly (readonly string[])[];
  readonly checks: readonly Check[];
  readonly outputs: readonly Output[];
}

/**
 * Cuts a labelled table by a column: by a day, or by values that follow one another in the order of the config.
 * @param by the column or expression
 * @throws Refusal where a day cuts what is no time
 */
export function splitColumns(split: Split, by: Field, source: Source, reading: Reading): SplitColumns {
  const { stages, at, isTest, checks } =
    split.testFrom === undefined ? byValues(split, by) : byDay(split.testFrom, by, source, reading);
  return {
    stages: [...stages, [`CASE WHEN ${isTest} THEN 'test' ELSE 'train' END AS v_split`]],
    checks,
    outputs: [
      { name: 'split', sql: 'v_split', type: 'text', nullable: false },
      { name: 'split_at', sql: `${at}::DOUBLE`, type: 'double', nullable: false },
    ],
  };
}

interface Cut {
  readonly stages: readonly (readonly string[])[];
  /** SQL of a number that rises with time. */
  readonly at: string;
  readonly isTest: string;
  readonly checks: readonly Check[];
}

/** Days are the shop's. */
function byDay(testFrom: string, by: Field, source: Source, reading: Reading): Cut {
  const time = timeOf(by, 'v_split_at', reading);
  if (!time) {
    throw new Refusal(
      `split.by gives ${by.type}, which is no time that testFrom could cut: ${by.expression}`,
      'give text, TIMESTAMP, TIMESTAMPTZ, DATE or a whole number of milliseconds since 1970; values that are no times ' +
        'are cut by train and test',
    );
  }
  const from = instantOfLocal(zoneRules(reading.shop.timeZone), parseDay(testFrom) * DAY_MS);
  return {
    stages: time.stages,
    at: time.ms,
    isTest: `${time.ms} >= ${from}`,
    checks: [
      check(
        'split.by',
        'split.by: no time',
        `NOT (${time.given})`,
        'split.by: no time, so no side of the split',
      ),
      ...timeChecks(by, time, source),
    ],
  };
}

function byValues({ train = [], test = [] }: Split, by: Field): Cut {
  // A value that went through a float is the same value: 3.0 is 3.
  const whole = isFloat(by.type) || isDecimal(by.type);
  const stages = whole ? idOf(by, 'v_split_by', []).stages : [[`${plainText(by)} AS v_split_by`]];
  const places = [...train, ...test].map((value, place) => `WHEN ${quoteText(value)} THEN ${place}`);
  return {
    stages: [...stages, [`CASE v_split_by ${places.join(' ')} END AS v_split_at`]],
    at: 'v_split_at',
    isTest: `v_split_at >= ${train.length}`,
    checks: [
      check(
        'split.by',
        'split.by: unknown',
        'v_split_at IS NULL',
        `split.by: ${VALUE} stands neither in train nor in test`,
        by.value,
      ),
    ],
  };
}
