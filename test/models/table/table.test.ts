import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../../bin/workspace.ts';
import type { ConfigInput } from '../../../lib/config/index.ts';
import { tableScoresKey } from '../../../lib/run/index.ts';
import { decodeScores } from '../../../lib/score/index.ts';
import { type Night, night, openShop, SLOW } from '../../e2e/nights.ts';
import { tableConfig as config, tableRows as visits } from './rows.ts';

async function run(
  content: string,
  { model = config.model }: Pick<ConfigInput, 'model'> = {},
): Promise<{ shop: Workspace; result: Night }> {
  const shop = await openShop({ ...config, model });
  await shop.store.put('drop/visits/table.csv', content);
  return { shop, result: await night(shop, null) };
}

async function probabilities({ store }: Workspace, { runId }: Night) {
  const { users, tasks } = decodeScores(await (await store.get(tableScoresKey(runId, 'bought'))).bytes());
  return { users, probability: tasks.bought!.probability, reasons: tasks.bought!.reasons };
}

describe('a labelled table', { timeout: SLOW }, () => {
  let reference: Awaited<ReturnType<typeof run>>;

  beforeAll(async () => {
    reference = await run(visits());
  }, SLOW);

  it('leaves its curves beside the run as TensorBoard reads them', async () => {
    // given: a model that is trained step by step
    const { shop, result } = await run(visits(), { model: { ...config.model, families: ['network'] } });
    // when
    const { store } = shop;
    const prefix = `runs/${result.runId}/tensorboard/`;
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key.slice(prefix.length));
    const bytes = await (await store.get(`${prefix}${keys[0]}`)).bytes();
    // then
    expect(keys[0]).toMatch(/^[^/]+\/train\/events\.out\.tfevents\.0\.nightjar$/);
    expect(Buffer.from(bytes).toString('latin1')).toMatch(/brain\.Event:2[\s\S]*loss[\s\S]*gradient_norm/);
  });

  it('is scored row by row, in the order of its lines, and exported under its own name', async () => {
    const { users } = await probabilities(reference.shop, reference.result);
    expect(users).toEqual(Array.from({ length: 400 }, (_, i) => String(i)));
    expect(Object.keys(reference.result.exports).sort()).toEqual([
      '_SUCCESS',
      'table-bought/csv/table-bought.csv.gz',
      'table-bought/parquet/table-bought.parquet',
    ]);
  });

  it('teaches nothing by its test rows: other values, categories, words and labels there give the same model', async () => {
    // given
    const spoilt = visits(([, , , , bought, part], rng) => [
      ...[`${1000 + rng.integer(9999)}`, `${rng.integer(2)}`, `device-${rng.integer(20)}`],
      ...[`word${rng.integer(50)} new`, bought === 'yes' ? 'no' : 'yes', part!],
    ]);
    // when
    const other = await run(spoilt);
    // then
    expect(other.result.models).toEqual(reference.result.models);
    const [a, b] = [
      await probabilities(reference.shop, reference.result),
      await probabilities(other.shop, other.result),
    ];
    for (let row = 0; row < 400; row++) {
      if (row % 4 > 0) expect(b.probability[row]).toBe(a.probability[row]);
    }
    expect(b.probability[0]).not.toBe(a.probability[0]);
  });

  it('does not tell a task what it must not see', async () => {
    // given: `leak` is the label itself
    const turned = visits(([pages, leak, ...rest]) => [pages!, leak === '1' ? '0' : '1', ...rest]);
    // when
    const other = await run(turned);
    // then
    const [a, b] = [
      await probabilities(reference.shop, reference.result),
      await probabilities(other.shop, other.result),
    ];
    expect(b).toEqual(a);
    expect(a.reasons.every((reason) => !reason!.includes('leak'))).toBe(true);
  });

  it('counts rows over all files, those in quarantine too', async () => {
    // given: the table in two files, the last row of the first without a label
    const lines = visits().trimEnd().split('\n');
    const shop = await openShop(config);
    await shop.store.put(
      'drop/visits/a.csv',
      [...lines.slice(0, 100), lines[100]!.replace(/,(yes|no),/, ',,')].join('\n'),
    );
    await shop.store.put('drop/visits/b.csv', [lines[0], ...lines.slice(101)].join('\n'));
    // when
    const result = await night(shop, null);
    // then
    const { users } = await probabilities(shop, result);
    expect(users).toEqual(Array.from({ length: 400 }, (_, i) => String(i)).filter((id) => id !== '99'));
  });

  it('without the label that counts says which labels there are', async () => {
    const shop = await openShop({
      ...config,
      tasks: { bought: { kind: 'label', source: 'visits', positive: 'true' } },
    });
    await shop.store.put('drop/visits/table.csv', visits());
    await expect(night(shop, null)).rejects.toThrow(
      'task bought: 0 of 300 training rows have the label "true"; the table\'s labels are "',
    );
  });
});
