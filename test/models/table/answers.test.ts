import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../../bin/workspace.ts';
import type { ConfigInput } from '../../../lib/config/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import { tableScoresKey } from '../../../lib/run/index.ts';
import { decodeScores } from '../../../lib/score/index.ts';
import { ALL } from '../../all.ts';
import { type Night, night, openShop, SLOW } from '../../e2e/nights.ts';

type Answers = 'one-of' | 'any-of' | 'number';

const config = (answers: Answers): ConfigInput => ({
  shop: { timeZone: 'UTC' },
  sources: {
    tickets: {
      format: 'csv',
      table: 'labels',
      columns: { label: answers.replace('-', '_'), split: 'part' },
      attributes: { numbers: ['size', 'age'], categories: ['device'] },
      duplicates: 'keep',
    },
  },
  tasks: {
    told: { kind: 'label', source: 'tickets', answers, ...(answers === 'any-of' ? { separator: '|' } : {}) },
  },
  training: { steps: 40, batchSize: 64, threads: 1 },
  model: { hidden: 8, members: 2 },
});

/** Tickets, of which every fourth is for testing. @param spoilt whether the test rows have other labels */
function tickets(spoilt = false): string {
  const rng = createRng('tickets');
  const rows = Array.from({ length: 400 }, (_, i) => {
    const [size, age] = [rng.integer(30), rng.integer(50)];
    const device = ['phone', 'desktop'][rng.integer(2)]!;
    const kind = size > 20 ? 'refund' : age > 30 ? 'delivery' : 'other';
    const noise = rng.uniform();
    const test = i % 4 === 0;
    const own = noise < 0.1 ? 'other' : kind;
    const list = [...(size > 15 ? ['large'] : []), ...(device === 'phone' ? ['mobile'] : [])].join('|');
    const amount = 3 * size - age + 10 * noise;
    const labels = [own, list || '[]', amount.toFixed(2)];
    // given: a class and a label that no training row has
    const told = spoilt && test ? ['never seen', 'strange|large', '99999'] : labels;
    return [size, age, device, ...told, test ? 'test' : 'train'].join();
  });
  return `${['size,age,device,one_of,any_of,number,part', ...rows].join('\n')}\n`;
}

async function run(answers: Answers, content: string): Promise<{ shop: Workspace; result: Night }> {
  const shop = await openShop(config(answers));
  await shop.store.put('drop/tickets/table.csv', content);
  return { shop, result: await night(shop, null) };
}

const scores = async ({ shop: { store }, result: { runId } }: Awaited<ReturnType<typeof run>>) =>
  decodeScores(await (await store.get(tableScoresKey(runId, 'told'))).bytes());

describe.each<Answers>(['one-of', 'any-of', 'number'])(
  "a labelled table whose answers are '%s'",
  (answers) => {
    let reference: Awaited<ReturnType<typeof run>>;

    beforeAll(async () => {
      reference = await run(answers, tickets());
    }, SLOW);

    it('tells every row, with reasons', async () => {
      const told = await scores(reference);
      expect(told.users).toHaveLength(400);
      if (answers === 'number') {
        const { number, low, high, reasons } = told.numbers!.told!;
        expect(number.every((one, row) => low[row]! <= one && one <= high[row]!)).toBe(true);
        expect(reasons.every((one) => one !== null)).toBe(true);
        return;
      }
      const { classes, probabilities, exclusive, reasons } = told.classes!.told!;
      expect(classes).toEqual(answers === 'one-of' ? ['delivery', 'other', 'refund'] : ['large', 'mobile']);
      expect(exclusive).toBe(answers === 'one-of');
      expect(reasons).toHaveLength(400);
      for (let row = 0; row < 400; row++) {
        const own = probabilities.subarray(row * classes.length, (row + 1) * classes.length);
        if (exclusive) expect(own.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      }
    });

    it.runIf(ALL || answers === 'one-of')(
      'learns nothing from the labels of its test rows',
      { timeout: SLOW },
      async () => {
        // when: the same rows with other labels on the test rows
        const other = await run(answers, tickets(true));
        // then
        expect(other.result.models).toEqual(reference.result.models);
        expect(await scores(other)).toEqual(await scores(reference));
      },
    );
  },
);
