import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../../bin/workspace.ts';
import { type ConfigInput, parseConfig } from '../../../lib/config/index.ts';
import { auroc } from '../../../lib/engine/metrics/index.ts';
import { versionsOf } from '../../../lib/models/index.ts';
import { scoreTable } from '../../../lib/models/table/score.ts';
import { servedTable } from '../../../lib/models/table/served.ts';
import { readModelFiles } from '../../../lib/registry/index.ts';
import { tableScoresKey, taskGroups } from '../../../lib/run/index.ts';
import { decodeScores } from '../../../lib/score/index.ts';
import { ALL } from '../../all.ts';
import { type Night, night, openShop, SLOW } from '../../e2e/nights.ts';
import { LANGUAGES, reviews, reviewsConfig } from './reviews.ts';

interface Scored {
  readonly result: Night;
  readonly shop: Workspace;
  readonly probability: readonly number[];
  readonly reasons: readonly (string | null)[];
}

async function scored(content: string, config: ConfigInput = reviewsConfig()): Promise<Scored> {
  const shop = await openShop(config);
  await shop.store.put('drop/reviews/reviews.csv', content);
  const result = await night(shop, null);
  const { tasks } = decodeScores(
    await (await shop.store.get(tableScoresKey(result.runId, 'recommended'))).bytes(),
  );
  const { probability, reasons } = tasks.recommended!;
  return { shop, result, probability: [...probability], reasons };
}

async function manifestOf({ shop, result }: Scored): Promise<{
  selection: string[];
  comparison: { candidates: { name: string; reads: string[] }[] };
  texts?: { maxLength: number };
}> {
  const key = Object.keys(result.models).find((name) => name.endsWith('manifest.json'))!;
  return JSON.parse(Buffer.from(await (await shop.store.get(key)).bytes()).toString());
}

/** AUROC on the test rows. */
function testAuroc(content: string, { probability }: Scored): number {
  const rows = content.trimEnd().split('\n').slice(1);
  const test = rows.flatMap((row, i) => (row.endsWith(',test') ? [i] : []));
  const labels = test.map((i) => Number(rows[i]!.split(',')[3] === 'yes'));
  return auroc(
    labels,
    test.map((i) => probability[i]!),
  );
}

describe('a labelled table with texts', { timeout: SLOW }, () => {
  const content = reviews('english', 600);
  let reference: Scored;

  beforeAll(async () => {
    reference = await scored(content);
  }, SLOW);

  it('is read by a classifier of its texts beside what reads numbers, and its model carries the tokenizer', async () => {
    // when
    const { selection, comparison, texts } = await manifestOf(reference);
    // then
    expect(comparison.candidates.map(({ name }) => name)).toContain('text classifier');
    expect(selection.join(' ')).toMatch(/text classifier 0\.\d\d/);
    expect(texts!.maxLength).toBeGreaterThanOrEqual(16);
    expect(Object.keys(reference.result.models).some((key) => key.endsWith('/tokenizer.json'))).toBe(true);
    expect(testAuroc(content, reference)).toBeGreaterThan(0.9);
    expect(reference.reasons.some((reason) => reason?.includes('texts'))).toBe(true);
  });

  it('learns nothing from its test rows', async () => {
    // given: other words, of other lengths, in the test rows
    const other = await scored(reviews('english', 600, (body) => `${body} zebra `.repeat(3)));
    // then
    expect(other.result.models).toEqual(reference.result.models);
    other.probability.forEach((one, row) => {
      // A row's place in its batch moves the last digits.
      if (row % 4 > 0) expect(one).toBeCloseTo(reference.probability[row]!, 6);
    });
    expect(other.probability[0]).not.toBe(reference.probability[0]);
  });

  it('changes its group with the setting, and only where there are texts', async () => {
    // given
    const { text: _, ...without } = reviewsConfig();
    // when
    const plain = await scored(content, without);
    const { comparison, texts } = await manifestOf(plain);
    // then
    expect(Object.keys(plain.result.models)[0]).not.toBe(Object.keys(reference.result.models)[0]);
    expect(comparison.candidates.map(({ name }) => name)).not.toContain('text classifier');
    expect(texts).toBeUndefined();
  });

  it('is scored with weights of 8 bits where a night asks for them, by the same model', async () => {
    // given: the shop with the setting, which is no part of the group
    const { shop, result } = reference;
    const config = parseConfig(reviewsConfig({ text: { ...reviewsConfig().text, night: 'int8' } }));
    expect(taskGroups(config)).toEqual(result.manifest.groups);
    const group = result.manifest.groups[0]!;
    const versions = await versionsOf(shop.store, result.runId, result.manifest);
    const files = await readModelFiles(shop.store, group.name, versions[group.name]!);
    const common = { store: shop.store, runId: result.runId, group, threads: 1 };
    const context = { ...common, manifest: { ...result.manifest, config } };
    // when
    const told: string[] = [];
    const served = await servedTable(files, context, (text) => told.push(text));
    const { probability } = (await scoreTable(served, context)).tasks.recommended!;
    // then
    expect(told).toEqual([
      expect.stringMatching(/^recommended: weights of 8 bits, \d+ % of the bytes: \d+ rows lose/),
    ]);
    expect(served['model.onnx']!.length).toBeLessThan(files['model.onnx']!.length);
    const moved = [...probability].map((one, row) => Math.abs(one - reference.probability[row]!));
    expect(Math.max(...moved)).toBeGreaterThan(0);
    expect(moved.reduce((sum, one) => sum + one, 0) / moved.length).toBeLessThan(0.01);
    // then: without the setting it is the model as it is
    expect(await servedTable(files, { ...common, manifest: result.manifest }, () => {})).toBe(files);
  });

  it.runIf(ALL).each(['head', 'gradual', { lora: { rank: 4, alpha: 8 } }] as const)(
    'is read by an encoder that is tuned by %j',
    async (tuning) => {
      // given
      const text = reviewsConfig().text!;
      // when
      const tuned = await scored(
        content,
        reviewsConfig({ text: { ...text, labels: { ...text.labels, tuning } } }),
      );
      // then
      expect(Object.keys(tuned.result.models)[0]).not.toBe(Object.keys(reference.result.models)[0]);
      expect(testAuroc(content, tuned)).toBeGreaterThan(0.9);
    },
  );

  const written = (Object.keys(LANGUAGES) as (keyof typeof LANGUAGES)[]).filter((one) => one !== 'english');
  it.runIf(ALL).each(written)('reads %s, which has no spaces between words', async (language) => {
    // given
    const rows = reviews(language, 600);
    const { text: _, ...without } = reviewsConfig();
    // when
    const [hashed, read] = [await scored(rows, without), await scored(rows)];
    // then: every twentieth review says the opposite of what its author thinks
    expect(testAuroc(rows, hashed)).toBeGreaterThan(0.93);
    expect(testAuroc(rows, read)).toBeGreaterThan(0.93);
  });
});
