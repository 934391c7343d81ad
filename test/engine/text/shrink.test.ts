import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelExportCommand } from '../../../bin/commands/model-export.ts';
import { quantise } from '../../../lib/engine/onnx/index.ts';
import {
  embedTexts,
  openTextEncoder,
  ownEncoder,
  saveTextEncoder,
  shrinkEncoder,
} from '../../../lib/engine/text/index.ts';

const TEXTS = ['white hanging heart t-light holder', 'jumbo bag red retrospot', 'set of 6 cake tins', 'bag'];

const { encoder, files } = ownEncoder(TEXTS, {
  vocabulary: 90,
  layers: 2,
  width: 64,
  heads: 2,
  maxLength: 24,
});

describe('an encoder with smaller weights', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightjar-shrink-'));
    await saveTextEncoder(join(folder, 'exact'), encoder, files);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    { weights: 'float16', bytes: 0.55, cosine: 0.99999 },
    { weights: 'int8', bytes: 0.45, cosine: 0.995 },
  ] as const)('as $weights is smaller, and tells what that costs', async ({ weights, bytes, cosine }) => {
    // when: equal texts count once
    const { model, bytesBefore, cost } = await shrinkEncoder(encoder, weights, [...TEXTS, 'bag']);
    // then
    expect(model.length / bytesBefore).toBeLessThan(bytes);
    expect(cost!.texts).toBe(TEXTS.length);
    expect(cost!.leastCosine).toBeGreaterThan(cosine);
    expect(cost!.leastCosine).toBeLessThanOrEqual(cost!.meanCosine);
    expect(cost!.maxDifference).toBeGreaterThan(0);
  });

  it('is a folder that opens again, its vectors as far from the exact ones as was told', async () => {
    // given
    const [exact, small] = [join(folder, 'exact'), join(folder, 'small')];
    // when
    await modelExportCommand().parseAsync([exact, '--out', small, '--weights', 'int8', '--json'], {
      from: 'user',
    });
    // then
    const [before, after] = [
      await embedTexts(encoder, TEXTS),
      await embedTexts(await openTextEncoder(small), TEXTS),
    ];
    const { cost } = await shrinkEncoder(encoder, 'int8', TEXTS);
    const most = Math.max(...before.map((value, i) => Math.abs(value - after[i]!)));
    expect(most).toBeCloseTo(cost!.maxDifference, 6);
    expect((await readdir(small)).sort()).toEqual((await readdir(exact)).sort());
    expect((await stat(join(small, 'model.onnx'))).size).toBeLessThan(
      (await stat(join(exact, 'model.onnx'))).size,
    );
  });

  it('is not made of one that is small already', async () => {
    const small = { ...encoder, graph: quantise(encoder.graph) };
    await expect(shrinkEncoder(small, 'int8', [])).rejects.toThrow(/quantised already/);
  });
});
