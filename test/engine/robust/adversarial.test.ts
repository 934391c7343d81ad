import { describe, expect, it } from 'vitest';
import { type Feeds, float32 } from '../../../lib/engine/host/index.ts';
import { interpret, tensor } from '../../../lib/engine/onnx/index.ts';
import { ascend } from '../../../lib/engine/robust/adversarial.ts';
import {
  fgm,
  lookupsOf,
  PERTURBATION,
  perturbable,
  pgd,
  RobustError,
} from '../../../lib/engine/robust/index.ts';
import { BATCH, batch, LENGTH, network, perturbedProgram, plainSgd, WIDTH, withTrainer } from './network.ts';

const shape = [BATCH, LENGTH, WIDTH];
const size = BATCH * LENGTH * WIDTH;
const at = (delta: Float32Array): Feeds => ({ ...batch(), [PERTURBATION]: float32(delta, shape) });

/** Loss and gradients of the perturbed network, without any update. */
async function probe(delta: Float32Array) {
  const program = perturbedProgram();
  const outputs = [program.inputGradient, ...Object.values(program.gradientOutputs)];
  return withTrainer(program, plainSgd, async (trainer) => {
    const { loss, outputs: found } = await trainer.backward(at(delta), { weight: 0, outputs });
    const gradient = (name: string) => found[program.gradientOutputs[name]!]!.data as Float32Array;
    return { loss, byValue: found[program.inputGradient]!.data as Float32Array, gradient };
  });
}

const norm = (values: Float32Array) => Math.hypot(...values);

describe('a perturbable graph', () => {
  it('is the graph itself at a perturbation of zero, and adds it to every read', () => {
    // given
    const plain = network();
    const { ids, label } = batch();
    const feeds = {
      ids: tensor('int64', ids!.shape, Array.from(ids!.data as BigInt64Array, Number)),
      label: tensor('float32', label!.shape, [...(label!.data as Float32Array)]),
    };
    const loss = interpret(plain, feeds).loss!.data[0]!;
    for (const value of ['table', ...lookupsOf(plain, 'table')]) {
      // when
      const { graph, input } = perturbable(plain, value);
      const zeros = new Array<number>((input.shape as number[]).reduce((a, b) => a * b)).fill(0);
      const run = (by: number) =>
        interpret(graph, {
          ...feeds,
          [PERTURBATION]: tensor(
            'float32',
            input.shape as number[],
            zeros.map(() => by),
          ),
        }).loss!.data[0]!;
      // then
      expect(run(0)).toBe(loss);
      expect(run(0.5)).not.toBe(loss);
    }
  });

  it('must have the value and the table', () => {
    expect(() => perturbable(network(), 'ids')).toThrow(RobustError);
    expect(() => lookupsOf(network(), 'up')).toThrow(/its tables are table/);
  });
});

describe('adversarial training', () => {
  it('by FGM follows clean gradient + gradient at epsilon g / |g|', async () => {
    // given
    const epsilon = 0.3;
    const clean = await probe(new Float32Array(size));
    const delta = clean.byValue.map((g) => (epsilon * g) / norm(clean.byValue));
    const adversarial = await probe(delta);
    const program = perturbedProgram();
    const step = fgm({ epsilon, shape, gradientOutput: program.inputGradient });
    // when
    const after = await withTrainer(program, plainSgd, async (trainer) => {
      const result = await step(trainer, batch(), { lr: 0.1, step: 0 });
      return { result, parameters: await trainer.parameters() };
    });
    // then
    expect(after.result.loss).toBeCloseTo(clean.loss, 6);
    expect(adversarial.loss).toBeGreaterThan(clean.loss);
    for (const { name, data } of program.parameters) {
      const expected = data.map(
        (value, i) => value - 0.1 * (clean.gradient(name)[i]! + adversarial.gradient(name)[i]!),
      );
      after.parameters[name]!.forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i]!, 6);
      });
    }
  });

  it('by PGD with one step of length epsilon is FGM, and with more it is not', async () => {
    // given
    const program = perturbedProgram();
    const options = { epsilon: 1.5, shape, gradientOutput: program.inputGradient };
    const run = (step: ReturnType<typeof fgm>) =>
      withTrainer(program, plainSgd, async (trainer) => {
        await step(trainer, batch(), { lr: 0.1, step: 0 });
        return trainer.parameters();
      });
    // when
    const [fast, single, several] = [
      await run(fgm(options)),
      await run(pgd({ ...options, steps: 1, stepSize: 1.5 })),
      await run(pgd({ ...options, steps: 5 })),
    ];
    // then
    expect(single).toEqual(fast);
    expect(several).not.toEqual(fast);
  });

  it('keeps each example in its own ball when asked', () => {
    // given
    const delta = new Float32Array(6);
    // when: the second example has no gradient
    ascend(delta, Float32Array.of(3, 4, 0, 0, 0, -2), 0.5, 3);
    // then
    [0.3, 0.4, 0, 0, 0, -0.5].forEach((value, i) => {
      expect(delta[i]).toBeCloseTo(value, 6);
    });
  });

  it('refuses radii and steps that make no sense', () => {
    const rest = { shape, gradientOutput: 'g' };
    expect(() => fgm({ ...rest, epsilon: 0 })).toThrow(/epsilon/);
    expect(() => pgd({ ...rest, epsilon: 1, steps: 0.5 })).toThrow(/whole number of steps/);
  });
});
