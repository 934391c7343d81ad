import { fileURLToPath } from 'node:url';
import { fixed, table } from '../../bin/commands/shared.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { createRng } from '../../lib/engine/host/index.ts';
import { nextToLabel } from '../../lib/label/index.ts';
import { tableScoresKey } from '../../lib/run/index.ts';
import { getBytes } from '../../lib/runtime/index.ts';
import { decodeScores } from '../../lib/score/index.ts';
import { type Night, night, openShop } from '../e2e/nights.ts';
import { type Labelled, readLabelled } from './text-tasks.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/support-intents/drops/messages', import.meta.url));

/** Labels to start with, and those that a person then adds. */
const STEP = 300;

const config = (encoder: boolean): ConfigInput => ({
  shop: { timeZone: 'UTC' },
  sources: {
    known: {
      format: 'csv',
      table: 'labels',
      columns: { label: 'intent', split: 'part' },
      attributes: { texts: ['body'] },
      duplicates: 'keep',
    },
    inbox: {
      format: 'csv',
      table: 'unlabelled',
      columns: { id: 'id', time: 'sent' },
      attributes: { texts: ['body'] },
    },
  },
  tasks: {
    intent: { kind: 'label', source: 'known', answers: 'one-of', unlabelled: { source: 'inbox', days: 1 } },
  },
  ...(encoder ? { text: {} } : { model: { families: ['logistic'] } }),
});

/**
 * What a person's labels are worth when `nightjar label --next` chooses the rows: 300 labels at random, then 300 more by its rule or
 * at random; accuracy on the dev part of support-intents. The test file is not read.
 * `--seeds <n>`: how many random starts (3). `--encoder`: with the text classifier, too, which takes minutes a fit.
 */
export async function benchLabel(options: readonly string[] = []): Promise<void> {
  const at = options.indexOf('--seeds');
  const seeds = at < 0 ? 3 : Number(options[at + 1]);
  const train = await readLabelled(EXAMPLE, 'train');
  const dev = await readLabelled(EXAMPLE, 'dev');
  const encoder = options.includes('--encoder');
  const rows: [string, number, number, number][] = [];
  for (let seed = 0; seed < seeds; seed++) {
    const order = shuffled(train.texts.length, seed);
    const start = order.slice(0, STEP);
    const first = await learnt(encoder, train, dev, start);
    const next = await nextToLabel({ store: first.shop.store, tasks: ['intent'], count: STEP });
    const chosen = next.rows.map(({ id }) => Number(id));
    const byRule = await learnt(encoder, train, dev, [...start, ...chosen]);
    const atRandom = await learnt(encoder, train, dev, order.slice(0, 2 * STEP));
    rows.push([`seed ${seed}`, first.accuracy, atRandom.accuracy, byRule.accuracy]);
  }
  const mean = (k: 1 | 2 | 3) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length;
  console.log(`\nsupport-intents, ${encoder ? 'text classifier' : 'logistic regression over hashed words'}`);
  console.log(
    table(
      ['accuracy on dev', `${STEP} labels`, `+ ${STEP} at random`, `+ ${STEP} by label --next`],
      [...rows, ['mean', mean(1), mean(2), mean(3)] as const].map(([name, ...own]) => [
        name,
        ...own.map((one) => fixed(one, 4)),
      ]),
    ),
  );
}

/** A night of a shop that knows the labels of some rows. */
async function learnt(
  encoder: boolean,
  train: Labelled,
  dev: Labelled,
  known: readonly number[],
): Promise<{ accuracy: number; shop: Awaited<ReturnType<typeof openShop>> }> {
  const shop = await openShop(config(encoder));
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const labelled = [
    ...known.map((row) => [quoted(train.texts[row]!), train.labels[row]!, 'train']),
    ...dev.texts.map((text, row) => [quoted(text), dev.labels[row]!, 'test']),
  ];
  const has = new Set(known);
  const unknown = train.texts.flatMap((text, row) =>
    has.has(row) ? [] : [[String(row), '2026-06-09', quoted(text)]],
  );
  const csv = (head: string, lines: readonly (readonly string[])[]) =>
    `${[head, ...lines.map((line) => line.join())].join('\n')}\n`;
  await shop.store.put('drop/known/all.csv', csv('body,intent,part', labelled));
  await shop.store.put('drop/inbox/all.csv', csv('id,sent,body', unknown));
  const told = await night(shop, '2026-06-10');
  return { accuracy: await accuracyOf(shop, told, known.length, dev), shop };
}

async function accuracyOf(
  { store }: Awaited<ReturnType<typeof openShop>>,
  { runId }: Pick<Night, 'runId'>,
  before: number,
  dev: Labelled,
): Promise<number> {
  const { classes, probabilities } = decodeScores((await getBytes(store, tableScoresKey(runId, 'intent')))!)
    .classes!.intent!;
  const right = dev.labels.filter((label, i) => {
    const own = probabilities.subarray((before + i) * classes.length, (before + i + 1) * classes.length);
    return classes[own.indexOf(Math.max(...own))] === label;
  });
  return right.length / dev.labels.length;
}

function shuffled(rows: number, seed: number): number[] {
  const rng = createRng(`labels ${seed}`);
  const order = Array.from({ length: rows }, (_, row) => row);
  for (let i = rows - 1; i > 0; i--) {
    const j = rng.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
