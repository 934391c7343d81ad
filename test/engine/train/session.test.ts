import { afterEach, describe, expect, it } from 'vitest';
import { type Feeds, float32, ProgramError, SessionError } from '../../../lib/engine/host/index.ts';
import { openSession, type Session, type SessionOptions } from '../../../lib/engine/train/index.ts';
import { evaluationBatch, recorded, smallProgram } from './small.ts';

const open: Session[] = [];

/** The evaluation graph with its parameters sent once. */
async function session(options: SessionOptions = {}): Promise<Session> {
  const { evaluation, parameters } = smallProgram();
  const constants = Object.fromEntries(
    parameters.map(({ name, shape, data }) => [name, float32(data, shape)]),
  );
  const opened = await openSession(evaluation!, { constants, ...options });
  open.push(opened);
  return opened;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((opened) => opened.close()));
});

/** The network by hand, in float64: probability of each row of a batch. */
function expectedProbabilities(batch: number): number[] {
  const values = Object.fromEntries(recorded.parameters.map(({ name, data }) => [name, data]));
  const { ids, numbers } = recorded.batches[batch]!;
  return Array.from({ length: 8 }, (_, row) => {
    const looked = ids.data
      .slice(row * 3, row * 3 + 3)
      .flatMap((id) => values.table!.slice(id * 4, id * 4 + 4));
    const inputs = [...numbers.data.slice(row * 5, row * 5 + 5), ...looked];
    let logit = values.b2![0]!;
    for (let h = 0; h < 6; h++) {
      const before = inputs.reduce((sum, x, i) => sum + x * values.w1![i * 6 + h]!, values.b1![h]!);
      logit += Math.tanh(before) * values.w2![h]!;
    }
    return 1 / (1 + Math.exp(-logit));
  });
}

describe('session', () => {
  it('computes the model, all outputs or those asked for', async () => {
    // given
    const scoring = await session();
    // when
    const all = await scoring.run(evaluationBatch(0));
    const one = await scoring.run(evaluationBatch(1), { outputs: ['probability'] });
    // then
    expect(Object.keys(all).sort()).toEqual(['loss', 'probability']);
    expect(Object.keys(one)).toEqual(['probability']);
    for (const [i, p] of expectedProbabilities(1).entries()) {
      expect(Number(one.probability!.data[i])).toBeCloseTo(p, 6);
    }
  });

  it('gives the same bits on 1 thread, again, and from memory that starts anywhere', async () => {
    // given the same numbers at another place in a larger buffer
    const scoring = await session();
    const feeds = evaluationBatch(2);
    const shifted = new Float32Array(43).subarray(3);
    shifted.set(feeds.numbers!.data as Float32Array);
    // when
    const [a, b] = [
      await scoring.run(feeds),
      await scoring.run({ ...feeds, numbers: float32(shifted, [8, 5]) }, { transfer: true }),
    ];
    // then, and the view's buffer was not taken away
    expect(a).toEqual(b);
    expect(shifted.length).toBe(40);
  });

  it('runs batches in order, building at most one ahead', async () => {
    // given a source that notes when it is asked
    const scoring = await session();
    const log: string[] = [];
    async function* batches(): AsyncGenerator<Feeds> {
      for (let i = 0; i < 4; i++) {
        log.push(`build ${i}`);
        yield evaluationBatch(i);
      }
    }
    // when
    const found: number[] = [];
    for await (const { probability } of scoring.runAll(batches(), { outputs: ['probability'] })) {
      log.push(`take ${found.length}`);
      found.push(Number(probability!.data[0]));
    }
    // then
    expect(found.map((p) => p.toFixed(5))).toEqual(
      [0, 1, 2, 3].map((i) => expectedProbabilities(i)[0]!.toFixed(5)),
    );
    expect(log).toEqual(['build 0', 'build 1', 'take 0', 'build 2', 'take 1', 'build 3', 'take 2', 'take 3']);
  });

  it('passes on an error of its turn and serves on', async () => {
    // given a wrong second batch
    const scoring = await session();
    const batches = [
      evaluationBatch(0),
      { ...evaluationBatch(1), numbers: float32(new Float32Array(8), [8, 1]) },
      evaluationBatch(2),
    ];
    // when
    const taken: Feeds[] = [];
    const all = async () => {
      for await (const outputs of scoring.runAll(batches)) taken.push(outputs);
    };
    // then
    await expect(all()).rejects.toThrow(SessionError);
    expect(taken.length).toBe(1);
    expect(Object.keys(await scoring.run(evaluationBatch(2)))).toContain('loss');
  });

  it('refuses a missing feed, no model, and calls after close', async () => {
    // given
    const { evaluation } = smallProgram();
    const bare = await session({ constants: {} });
    // when / then
    await expect(bare.run(evaluationBatch(0))).rejects.toThrow(ProgramError);
    await expect(bare.run(evaluationBatch(0))).rejects.toThrow(/input table was not fed/);
    await expect(openSession(new Uint8Array(3))).rejects.toThrow(SessionError);
    await expect(openSession(evaluation!, { threads: 1.5 })).rejects.toThrow(ProgramError);
    await bare.close();
    await bare.close();
    await expect(bare.run({})).rejects.toThrow(/was closed/);
  });
});
