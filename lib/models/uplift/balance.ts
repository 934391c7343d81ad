import { assessBinary } from '../../engine/metrics/index.ts';
import { BASE_KINDS, type BaseKind, type FitRun, fitBase, predictBase } from './base-model.ts';
import { meanPropensity } from './learners.ts';
import { mixedUnit, pick, placesOf, type UpliftTable } from './rows.ts';

/** Could the features have told who was treated? Where chance decided, they cannot. Plain JSON. */
export interface Balance {
  /** Rows that it was looked for on, and the share of the treated among them. */
  readonly rows: number;
  readonly share: number;
  /** How well the better of two models ranks treated rows above others, with a 95 % interval; 0.5 is chance. */
  readonly auroc: number | null;
  readonly interval: readonly [low: number, high: number] | null;
  readonly by: BaseKind;
  /** Of rows that the model had not seen, the first and the last hundredth of their chances to be treated … */
  readonly range: readonly [low: number, high: number];
  /** … and the share of those whose odds are beyond a half and twice those of all. */
  readonly outside: number;
}

const FOLDS = 3;
/** Rows that are looked at, at most. */
const MOST_ROWS = 20_000;
/** Odds of a row, in multiples of those of all, from which on both arms no longer overlap well. */
const ODDS = 2;
/** Shares are float32. */
const ROUNDING = 1e-4;
/** From this AUROC on the arms were not put together by chance. */
const CHOSEN = 0.55;

/** Fits who was treated by the features, by planes and by trees, and looks at rows of users that the fit has not seen. */
export async function balanceOf(whole: UpliftTable, run: FitRun): Promise<Balance> {
  const table = ofOneShare(whole);
  const part = table.rows > MOST_ROWS ? MOST_ROWS / table.rows : 1;
  const some =
    part === 1
      ? table
      : pick(
          table,
          placesOf(table, (row) => mixedUnit(table.unit[row]!, 'halves') < part),
        );
  const each: Balance[] = [];
  for (const kind of BASE_KINDS) each.push(await balanceBy(kind, some, run));
  return each.reduce((worst, one) => ((one.auroc ?? 0) > (worst.auroc ?? 0) ? one : worst));
}

/**
 * Where campaigns had other shares of treated users, what tells the campaigns apart tells arms apart, too: of the arm that is too
 * large in a campaign a part is left out.
 */
function ofOneShare(table: UpliftTable): UpliftTable {
  const { treated, propensity, unit } = table;
  const share = meanPropensity(table);
  const wanted = share / (1 - share);
  return pick(
    table,
    placesOf(table, (row) => {
      const times = propensity[row]! / (1 - propensity[row]!) / wanted;
      return mixedUnit(unit[row]!, 'arms') < (treated[row] === 1 ? 1 / times : times) * (1 + ROUNDING);
    }),
  );
}

async function balanceBy(kind: BaseKind, table: UpliftTable, run: FitRun): Promise<Balance> {
  const { rows, columns, treated } = table;
  const chances = new Float64Array(rows);
  for (let fold = 0; fold < FOLDS; fold++) {
    const isOut = (row: number) => Math.floor(table.unit[row]! * FOLDS) === fold;
    const out = placesOf(table, isOut);
    const learnt = pick(
      table,
      placesOf(table, (row) => !isOut(row)),
    );
    if (out.length === 0 || learnt.rows === 0) continue;
    const unit = learnt.unit.map((own) => mixedUnit(own, 'aside'));
    const known = { rows: learnt.rows, columns, values: learnt.values, labels: learnt.treated, unit };
    const model = await fitBase(kind, known, true, run);
    predictBase(model, pick(table, out).values).forEach((chance, i) => {
      chances[out[i]!] = chance;
    });
  }
  const { auroc, intervals } = assessBinary(treated, chances, table.unit);
  const share = treated.reduce((sum, arm) => sum + arm, 0) / rows;
  const odds = (chance: number) => chance / (1 - chance);
  const sorted = Float64Array.from(chances).sort();
  const at = (quantile: number) => sorted[Math.round(quantile * (rows - 1))]!;
  return {
    ...{ rows, share, auroc, by: kind },
    interval: intervals.auroc,
    range: [at(0.01), at(0.99)],
    outside:
      chances.reduce((n, chance) => {
        const times = odds(chance) / odds(share);
        return n + Number(times > ODDS || times < 1 / ODDS);
      }, 0) / rows,
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** The evidence in a sentence. */
export function balanceSentence({ auroc, interval, by, range, outside, rows }: Balance): string {
  const told = interval ? ` (${interval.map((one) => one.toFixed(3)).join(' to ')})` : '';
  const model = by === 'linear' ? 'a logistic regression' : 'boosted trees';
  return (
    `Of ${rows} training rows, each by ${model} of other users, who was treated is told with an AUROC of ` +
    `${auroc?.toFixed(3) ?? '–'}${told}, where chance has 0.5; chances to be treated run from ${percent(range[0])} to ` +
    `${percent(range[1])}, and the odds of ${percent(outside)} of the rows are beyond a half and twice those of all.`
  );
}

/** Why effects cannot be learnt from such rows; undefined where chance may have put the arms together. */
export function notByChance(balance: Balance): string | undefined {
  const { auroc, interval } = balance;
  if (auroc === null || interval === null || auroc < CHOSEN || interval[0] <= 0.5) return undefined;
  return (
    `the arms were not put together by chance: the features tell who was treated. ${balanceSentence(balance)} What the treated ` +
    'did differently may be what they would have done anyway: take a trial in which chance alone put users into arms, and ' +
    'leave out attributes that were known only after the treatment (exclude)'
  );
}

/** What to keep in mind where the features tell a little of who was treated. */
export function slightImbalance(balance: Balance): string | undefined {
  const { interval } = balance;
  if (interval === null || interval[0] <= 0.5 || notByChance(balance) !== undefined) return undefined;
  return `the features tell a little of who was treated: look at how users were put into arms. ${balanceSentence(balance)}`;
}
