import { afterEach, describe, expect, it } from 'vitest';
import { trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import { createRng, float32 } from '../../../lib/engine/host/index.ts';
import { type Graph, GraphBuilder } from '../../../lib/engine/onnx/index.ts';
import {
  linearSchedule,
  openTrainer,
  type Trainer,
  type TrainerOptions,
  type TrainingProgram,
} from '../../../lib/engine/train/index.ts';
import { recorded, smallBatch, smallOptimiser } from './small.ts';

const open: Trainer[] = [];

async function trainer(program: TrainingProgram, options: TrainerOptions): Promise<Trainer> {
  const opened = await openTrainer(program, options);
  open.push(opened);
  return opened;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((opened) => opened.close()));
});

/** The recorded network in the words of the graph builder. */
function smallGraph(): Graph {
  const g = new GraphBuilder('small');
  const given = Object.fromEntries(
    recorded.parameters.map(({ name, shape, data }) => [
      name,
      g.parameter(name, shape, Float32Array.from(data)),
    ]),
  );
  const [ids, numbers] = [g.input('ids', 'int64', [8, 3]), g.input('numbers', 'float32', [8, 5])];
  const [label, weight, mask] = [
    g.input('label', 'float32', [8, 1]),
    g.input('weight', 'float32', [8, 1]),
    g.input('mask', 'float32', [8, 6]),
  ];
  const looked = g.reshape(g.gather(given.table!, ids), [8, 12]);
  const hidden = g.tanh(g.linear(g.concat([numbers, looked], 1), given.w1!, given.b1!));
  const logit = g.linear(g.mul(hidden, mask), given.w2!, given.b2!);
  const entropy = g.sub(g.softplus(logit), g.mul(label, logit));
  g.output('loss', g.div(g.reduceSum(g.mul(entropy, weight)), g.reduceSum(weight)));
  return g.build();
}

describe('a differentiated graph', () => {
  for (const rows of [['table'], []]) {
    it(`trains as PyTorch did, with ${rows.length > 0 ? 'row' : 'dense'} gradients of the table`, async () => {
      // given
      const { rowGradientOutputs, ...program } = trainingGraph(smallGraph(), { loss: 'loss', rows });
      const rowGradients = Object.fromEntries(
        Object.entries(rowGradientOutputs).map(([name, out]) => [name, [out]]),
      );
      const trained = await trainer({ ...program, rowGradients }, { optimiser: smallOptimiser });
      const schedule = linearSchedule({ warmup: recorded.warmup });
      // when
      const losses: number[] = [];
      for (let step = 0; step < recorded.steps; step++) {
        const lr = recorded.lr * schedule(step, recorded.steps);
        losses.push((await trained.step(smallBatch(step), { lr })).loss);
      }
      const parameters = await trained.parameters();
      // then
      for (const [step, loss] of losses.entries()) {
        expect(Math.abs(loss - recorded.losses[step]!)).toBeLessThan(1e-5);
      }
      for (const [name, expected] of Object.entries(recorded.final)) {
        const worst = Math.max(...expected.map((value, i) => Math.abs(value - parameters[name]![i]!)));
        expect(worst, name).toBeLessThan(1e-5);
      }
    });
  }

  it('repeats bit for bit on 2 threads where they share the work', async () => {
    // given products large enough to be split: 256 rows, 192 -> 384 -> 1
    const rng = createRng(2);
    const g = new GraphBuilder('wide');
    const x = g.input('x', 'float32', [256, 192]);
    const y = g.input('y', 'float32', [256, 1]);
    const w1 = g.parameter('w1', [192, 384], rng.fork('w1').normals(192 * 384, 0.1));
    const b1 = g.parameter('b1', [384], new Float32Array(384));
    const w2 = g.parameter('w2', [384, 1], rng.fork('w2').normals(384, 0.1));
    const hidden = g.layerNorm(
      g.gelu(g.linear(x, w1, b1)),
      g.parameter('scale', [384], new Float32Array(384).fill(1)),
    );
    g.output('loss', g.reduceMean(g.square(g.sub(g.matmul(hidden, w2), y))));
    const { rowGradientOutputs: _, ...program } = trainingGraph(g.build(), { loss: 'loss' });
    const run = async () => {
      const trained = await trainer(program, { threads: 2 });
      const losses: number[] = [];
      for (let step = 0; step < 6; step++) {
        const draw = rng.fork(`batch ${step}`);
        const feeds = {
          x: float32(draw.normals(256 * 192), [256, 192]),
          y: float32(draw.normals(256), [256, 1]),
        };
        losses.push((await trained.step(feeds, { lr: 0.01 })).loss);
      }
      return { losses, state: await trained.state() };
    };
    // when
    const runs = [await run(), await run(), await run()];
    // then
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
    expect(runs[0]!.losses.at(-1)).toBeLessThan(runs[0]!.losses[0]!);
  });
});
