import { beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { balanceOf, notByChance, slightImbalance } from '../../../lib/models/uplift/balance.ts';
import { type LearntUplift, learnUplift } from '../../../lib/models/uplift/learn.ts';
import type { UpliftTable } from '../../../lib/models/uplift/rows.ts';
import { predictSum } from '../../../lib/models/uplift/sum-model.ts';

const COLUMNS = 4;
const run = { seed: 1, threads: 1 };

interface Trial extends UpliftTable {
  readonly effects: Float64Array;
}

/** Rows with known effects. @param effectOf of a row's columns; `assigned` gives the chance to be treated */
function trialOf(
  rows: number,
  {
    seed,
    effectOf,
    amount = false,
    assigned = () => 0.5,
  }: {
    seed: string;
    effectOf: (x: Float32Array) => number;
    amount?: boolean;
    assigned?: (x: Float32Array) => number;
  },
): Trial {
  const rng = createRng(seed);
  const values = new Float32Array(rows * COLUMNS).map(() => Math.sqrt(3) * (2 * rng.uniform() - 1));
  const own = (row: number) => values.subarray(row * COLUMNS, (row + 1) * COLUMNS);
  const effects = Float64Array.from({ length: rows }, (_, row) => effectOf(own(row)));
  const treated = new Float32Array(rows).map((_, row) => Number(rng.uniform() < assigned(own(row))));
  const share = treated.reduce((sum, arm) => sum + arm, 0) / rows;
  const outcomes = new Float32Array(rows).map((_, row) => {
    const level = 0.3 + 0.08 * own(row)[1]! + effects[row]! * treated[row]!;
    return amount ? 10 * level + 2 * rng.normal() : Number(rng.uniform() < level);
  });
  const unit = new Float32Array(rows).map(() => rng.uniform());
  const propensity = new Float32Array(rows).fill(share);
  return { rows, columns: COLUMNS, values, treated, outcomes, propensity, unit, binary: !amount, effects };
}

function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (of: Float64Array) => of.reduce((sum, one) => sum + one, 0) / of.length;
  const [ma, mb] = [mean(a), mean(b)];
  const sum = (of: (i: number) => number) => a.reduce((total, _, i) => total + of(i), 0);
  const spread = Math.sqrt(sum((i) => (a[i]! - ma) ** 2) * sum((i) => (b[i]! - mb) ** 2));
  return sum((i) => (a[i]! - ma) * (b[i]! - mb)) / spread;
}

const learn = (table: UpliftTable) => learnUplift(table, { run, least: 0, progress: () => {} });

describe('what is learnt of effects that are known', { timeout: 60_000 }, () => {
  const effectOf = (x: Float32Array) => 0.1 + 0.12 * x[0]!;
  const trial = trialOf(3000, { seed: 'trial', effectOf });
  const others = trialOf(2000, { seed: 'others', effectOf });
  let learnt: LearntUplift;

  beforeAll(async () => {
    learnt = await learn(trial);
  });

  const told = (model: LearntUplift['effect'], { values }: UpliftTable) => predictSum(model, values, COLUMNS);

  it('recovers them within a third of their spread, for rows that nobody has seen', () => {
    const uplift = told(learnt.effect, others);
    const squares = uplift.reduce((sum, one, i) => sum + (one - others.effects[i]!) ** 2, 0);
    expect(correlation(uplift, others.effects)).toBeGreaterThan(0.9);
    expect(Math.sqrt(squares / others.rows)).toBeLessThan(0.12 / 2);
  });

  it('tells both arms apart by the uplift', () => {
    const [uplift, control, treated] = [learnt.effect, learnt.control, learnt.treated].map((model) =>
      told(model, others),
    );
    uplift!.forEach((one, i) => {
      expect(treated![i]! - control![i]!).toBeCloseTo(one, 9);
    });
    const mean = control!.reduce((sum, one) => sum + one, 0) / others.rows;
    expect(mean).toBeGreaterThan(0.25);
    expect(mean).toBeLessThan(0.35);
  });

  it('is validated by rows that each model had not seen', () => {
    const { by, assessment } = learnt.validation;
    expect(by).toBe('rows');
    expect(assessment.n).toBe(trial.rows);
    expect(assessment.intervals.qini![0]).toBeGreaterThan(0);
    expect(learnt.losses).toHaveLength(11);
    expect(learnt.notes.join(' ')).toContain('Kept: ');
  });

  it('learns the same again', async () => {
    const small = trialOf(600, { seed: 'small', effectOf });
    expect(await learn(small)).toEqual(await learn(small));
  });

  it('recovers effects on amounts', async () => {
    const amounts = trialOf(1500, { seed: 'amounts', effectOf, amount: true });
    const { effect } = await learn(amounts);
    const uplift = told(effect, others);
    expect(correlation(uplift, others.effects)).toBeGreaterThan(0.9);
  });

  it('claims nothing where the treatment changes nothing', async () => {
    const none = trialOf(2000, { seed: 'none', effectOf: () => 0 });
    const { validation } = await learn(none);
    const { qini, effect } = validation.assessment.intervals;
    expect(qini![0]).toBeLessThan(0);
    expect(qini![1]).toBeGreaterThan(0);
    expect(effect![0]).toBeLessThan(0);
    expect(effect![1]).toBeGreaterThan(0);
  });
});

describe('arms that chance may have put together, or not', () => {
  const effectOf = () => 0;

  it('are told apart', async () => {
    const fair = await balanceOf(trialOf(2000, { seed: 'fair', effectOf, assigned: () => 0.15 }), run);
    expect(notByChance(fair)).toBeUndefined();
    expect(fair.share).toBeCloseTo(0.15, 1);
    expect(fair.outside).toBeLessThan(0.05);
    const chosen = await balanceOf(
      trialOf(2000, { seed: 'chosen', effectOf, assigned: (x) => (x[0]! > 0.5 ? 0.8 : 0.4) }),
      run,
    );
    expect(chosen.auroc).toBeGreaterThan(0.55);
    expect(notByChance(chosen)).toMatch(
      /^the arms were not put together by chance: the features tell who was treated\. Of 2000 training rows.*AUROC of 0\.6/,
    );
    expect(slightImbalance(chosen)).toBeUndefined();
  });

  it('also where only trees see it', async () => {
    const chosen = await balanceOf(
      trialOf(2000, { seed: 'chosen', effectOf, assigned: (x) => (Math.abs(x[0]!) > 0.9 ? 0.8 : 0.3) }),
      run,
    );
    expect(chosen.by).toBe('trees');
    expect(notByChance(chosen)).toContain('boosted trees of other users');
  });
});
