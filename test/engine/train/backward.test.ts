import { afterEach, describe, expect, it } from 'vitest';
import { createRng, DivergedError, float32, ProgramError } from '../../../lib/engine/host/index.ts';
import {
  type OptimiserOptions,
  openTrainer,
  type Trainer,
  type TrainingProgram,
} from '../../../lib/engine/train/index.ts';
import { settleOptimiser } from '../../../lib/engine/train/optimisers/optimiser-options.ts';
import { TrainerCore } from '../../../lib/engine/train/trainer/trainer-core.ts';
import { evaluationBatch, smallBatch, smallOptimiser, smallProgram } from './small.ts';

const open: { close(): Promise<void> }[] = [];

async function core(
  options: OptimiserOptions = smallOptimiser,
  program = smallProgram(),
): Promise<TrainerCore> {
  const opened = await TrainerCore.open(program, settleOptimiser(program, options), 1);
  open.push(opened);
  return opened;
}

async function trainer(): Promise<Trainer> {
  const opened = await openTrainer(smallProgram(), { optimiser: smallOptimiser });
  open.push(opened);
  return opened;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((opened) => opened.close()));
});

const plain: OptimiserOptions = { kind: 'sgd', momentum: 0, clipNorm: null };

/** Gradients of what is accumulated: minus the change of the parameters by plain descent at a rate of 1. */
async function gradients(
  work: (trained: TrainerCore) => Promise<unknown>,
): Promise<Record<string, number[]>> {
  const trained = await core(plain);
  const before = trained.parameters();
  await work(trained);
  trained.update(1);
  const after = trained.parameters();
  return Object.fromEntries(
    Object.entries(before).map(([name, values]) => [
      name,
      [...values].map((value, i) => value - after[name]![i]!),
    ]),
  );
}

const flat = (tensors: Record<string, number[]>) => Object.values(tensors).flat();
const norm = (values: number[]) => Math.hypot(...values);

function expectClose(actual: number[], expected: number[], within = 1e-6): void {
  expect(actual.length).toBe(expected.length);
  expect(Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(within);
}

describe('backward and update', () => {
  for (const rows of ['exact', 'lazy'] as const) {
    it(`equal a step bit for bit, with an ${rows} table`, async () => {
      // given
      const options: OptimiserOptions = { ...smallOptimiser, group: () => ({ rows }) };
      const [stepped, parted] = [await core(options), await core(options)];
      for (let step = 0; step < 6; step++) {
        // when
        const whole = await stepped.step(smallBatch(step), 0.03);
        const { loss, gradNorm } = await parted.backward(smallBatch(step));
        const updated = parted.update(0.03);
        // then
        expect({ loss, gradNorm }).toEqual(whole);
        expect(updated.gradNorm).toBe(whole.gradNorm);
      }
      expect(parted.state()).toEqual(stepped.state());
    });
  }

  it('add up weighted gradients, and the scale makes a mean of them', async () => {
    // given
    const one = await gradients((trained) => trained.backward(smallBatch(0)));
    const other = await gradients((trained) => trained.backward(smallBatch(1)));
    // when
    const trained = await core(plain);
    const before = trained.parameters();
    await trained.backward(smallBatch(0), { weight: 3 });
    await trained.backward(smallBatch(2), { weight: 0 });
    await trained.backward(smallBatch(1), { weight: 1 });
    const { gradNorm } = trained.update(1, 1 / 4);
    // then
    const after = trained.parameters();
    const mean = flat(one).map((value, i) => (3 * value + flat(other)[i]!) / 4);
    const moved = Object.entries(before).flatMap(([name, values]) =>
      [...values].map((value, i) => value - after[name]![i]!),
    );
    expectClose(moved, mean);
    expect(gradNorm).toBeCloseTo(norm(mean), 6);
  });

  it('add up the rows of a lazy table, each row of either batch once', async () => {
    // given a batch whose gradient is added twice
    const options: OptimiserOptions = { ...plain, group: () => ({ rows: 'lazy' }) };
    const lazy = await core(options);
    const before = lazy.parameters();
    // when
    await lazy.backward(smallBatch(0));
    await lazy.backward(smallBatch(1), { weight: 2 });
    lazy.update(1);
    const after = lazy.parameters();
    const expected = await gradients(async (trained) => {
      await trained.backward(smallBatch(0));
      await trained.backward(smallBatch(1), { weight: 2 });
    });
    // then
    expectClose(
      [...before.table!].map((value, i) => value - after.table![i]!),
      expected.table!,
    );
  });

  it('clip one call at a time', async () => {
    // given
    const whole = await gradients((trained) => trained.backward(smallBatch(0)));
    const limit = norm(flat(whole)) / 4;
    // when
    const clipped = await gradients((trained) => trained.backward(smallBatch(0), { clipNorm: limit }));
    const within = await gradients((trained) => trained.backward(smallBatch(0), { clipNorm: 5 * limit }));
    // then
    expectClose(
      flat(clipped),
      flat(whole).map((value) => value / 4),
    );
    expectClose(flat(within), flat(whole), 1e-12);
  });

  it('return outputs asked for, gradients among them', async () => {
    // given
    const trained = await core();
    // when
    const { outputs } = await trained.backward(smallBatch(0), {
      outputs: ['probability', 'd_w1', 'd_looked_up'],
    });
    // then
    const expected = await gradients((other) => other.backward(smallBatch(0)));
    expect(outputs.probability!.shape).toEqual([8, 1]);
    expect(outputs.d_looked_up!.shape).toEqual([8, 3, 4]);
    expectClose([...(outputs.d_w1!.data as Float32Array)], expected.w1!);
  });

  it('are told when there is nothing to update by, or something left to', async () => {
    // given
    const trained = await core();
    // when / then
    expect(() => trained.update(0.1)).toThrow(/call backward first/);
    await trained.backward(smallBatch(0));
    await expect(trained.step(smallBatch(0), 0.1)).rejects.toThrow(ProgramError);
    trained.load({ parameters: {} });
    expect(() => trained.update(0.1)).toThrow(/call backward first/);
  });

  it('a gradient that is not finite is neither added nor used', async () => {
    // given
    const trained = await core();
    const before = trained.state();
    const broken = { ...smallBatch(0), numbers: float32(new Float32Array(40).fill(Number.NaN), [8, 5]) };
    // when / then
    await expect(trained.backward(broken)).rejects.toThrow(DivergedError);
    expect(() => trained.update(0.1)).toThrow(/call backward first/);
    await trained.backward(smallBatch(0), { weight: 1e38 });
    await trained.backward(smallBatch(0), { weight: 1e38 });
    trained.addNoise(1e39);
    expect(() => trained.update(0.1, 10)).toThrow(DivergedError);
    expect(trained.state()).toEqual(before);
    await trained.step(smallBatch(0), 0.1);
  });
});

describe('noise', () => {
  it('is normal with the deviation asked for, repeats with a seeded source and advances it', async () => {
    // given
    const source = createRng(5);
    const noise = () =>
      gradients(async (trained) => trained.addNoise(0.5, source)).then((found) => flat(found));
    // when
    const drawn = [...(await noise()), ...(await noise()), ...(await noise()), ...(await noise())];
    source.restore({ ...source.state(), counter: 0 });
    // then 4 x 165 draws
    expect(await noise()).toEqual(drawn.slice(0, drawn.length / 4));
    const mean = drawn.reduce((sum, x) => sum + x, 0) / drawn.length;
    const squares = drawn.reduce((sum, x) => sum + x * x, 0) / drawn.length;
    expect(drawn.length).toBeGreaterThan(600);
    expect(Math.abs(mean)).toBeLessThan(0.08);
    expect(Math.abs(Math.sqrt(squares) - 0.5)).toBeLessThan(0.06);
  });

  it('comes from a cryptographic source unless told otherwise, and the worker advances the seeded one', async () => {
    // given
    const trained = await trainer();
    const source = createRng(6);
    const noised = async (given?: typeof source) => {
      await trained.load({
        parameters: Object.fromEntries(smallProgram().parameters.map((p) => [p.name, p.data])),
      });
      await trained.addNoise({ deviation: 1, ...(given ? { source: given } : {}) });
      await trained.update({ lr: 0.1 });
      return trained.parameters();
    };
    // when / then
    expect(await noised()).not.toEqual(await noised());
    const [first, second] = [await noised(source), await noised(source)];
    expect(first).not.toEqual(second);
    expect(await noised(createRng(6))).toEqual(first);
    await expect(trained.addNoise({ deviation: -1 })).rejects.toThrow(/deviation of 0 or above/);
    await expect(trained.backward(smallBatch(0), { clipNorm: 0 })).rejects.toThrow(/norm above 0/);
  });

  it('is refused on a table whose untouched rows it would miss', async () => {
    const lazy = await core({ group: () => ({ rows: 'lazy' }) });
    expect(() => lazy.addNoise(1)).toThrow(/table is updated lazily/);
  });
});

describe('variants', () => {
  const withVariants = (): TrainingProgram => {
    const { evaluation, ...program } = smallProgram();
    return { ...program, variants: { same: program.model }, evaluationVariants: { same: evaluation! } };
  };

  it('share parameters, and evaluate by their own graph or the model', async () => {
    // given
    const [plainOne, varied] = [await core(), await core(smallOptimiser, withVariants())];
    for (let step = 0; step < 6; step++) {
      // when
      const a = await plainOne.step(smallBatch(step), 0.03);
      const b = await varied.step(smallBatch(step), 0.03, step % 2 === 0 ? 'same' : undefined);
      // then
      expect(b).toEqual(a);
    }
    expect(varied.state()).toEqual(plainOne.state());
    const evaluated = await varied.evaluate(evaluationBatch(0), ['loss'], 'same');
    expect(evaluated).toEqual(await plainOne.evaluate(evaluationBatch(0), ['loss']));
    await expect(varied.evaluate(evaluationBatch(0), ['loss'])).rejects.toThrow(/input mask was not fed/);
    await expect(varied.step(smallBatch(0), 0.1, 'long')).rejects.toThrow(/no variant long; it has same/);
  });
});

describe('moving averages', () => {
  it('follow the parameters by their formula, and stand in for them while asked to', async () => {
    // given
    const trained = await core();
    const before = trained.parameters();
    trained.average(0.3);
    const expected = Object.entries(before).map(([name, values]) => ({ name, values: [...values] }));
    // when
    for (let t = 1; t <= 5; t++) {
      await trained.step(smallBatch(t), 0.05);
      const decay = Math.min(0.3, (1 + t) / (10 + t));
      const now = trained.parameters();
      for (const { name, values } of expected)
        for (const [i, a] of values.entries()) values[i] = decay * a + (1 - decay) * now[name]![i]!;
    }
    const state = trained.state();
    trained.swapAverages();
    // then
    const averages = trained.parameters();
    for (const { name, values } of expected) expectClose([...averages[name]!], values);
    expect(state.averages).toEqual(averages);
    const losses = async () => (await trained.evaluate(evaluationBatch(0), ['loss'])).loss!.data[0];
    const averaged = await losses();
    await expect(trained.step(smallBatch(0), 0.1)).rejects.toThrow(/stand in the place/);
    expect(() => trained.state()).toThrow(/stand in the place/);
    trained.swapAverages();
    expect(trained.state()).toEqual(state);
    expect(await losses()).not.toBe(averaged);
  });

  it('are part of a state, and end when told to', async () => {
    // given
    const [first, second] = [await core(), await core()];
    first.average(0.9);
    second.average(0.9);
    await first.step(smallBatch(0), 0.05);
    // when
    second.load(first.state());
    for (const trained of [first, second]) await trained.step(smallBatch(1), 0.05);
    // then
    expect(second.state()).toEqual(first.state());
    first.average(null);
    expect(first.state().averages).toBeUndefined();
    expect(() => first.swapAverages()).toThrow(/call average before/);
    expect(() => first.load(second.state())).toThrow(/average of table was given/);
    expect(() => first.average(1)).toThrow(/lies in \(0, 1\)/);
  });
});

it('settings out of range, and tables that a rule cannot update lazily', async () => {
  const settle = (options: OptimiserOptions) => () => settleOptimiser(smallProgram(), options);
  expect(settle({ kind: 'sgd', momentum: 1 })).toThrow(/momentum is 1/);
  expect(settle({ kind: 'sgd', momentum: 0, nesterov: true })).toThrow(/above 0 with nesterov/);
  expect(settle({ kind: 'adagrad', epsilon: 0 })).toThrow(/epsilon is 0/);
  expect(settle({ kind: 'adafactor', decayExponent: 2 })).toThrow(ProgramError);
  await expect(core({ kind: 'adafactor', group: () => ({ rows: 'lazy' }) })).rejects.toThrow(
    /adafactor needs the whole gradient of table/,
  );
});
