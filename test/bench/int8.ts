import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fixed, table } from '../../bin/commands/shared.ts';
import { type ConfigInput, parseConfig } from '../../lib/config/index.ts';
import { auroc } from '../../lib/engine/metrics/index.ts';
import { type ShardScores, versionsOf } from '../../lib/models/index.ts';
import { scoreTable } from '../../lib/models/table/score.ts';
import { servedTable } from '../../lib/models/table/served.ts';
import { readModelFiles } from '../../lib/registry/index.ts';
import { night, openShop } from '../e2e/nights.ts';
import { whole } from './support.ts';
import { clothingReviews, type Labelled, readLabelled } from './text-tasks.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/support-intents/drops/messages', import.meta.url));

/** Reviews that are read: these take a quarter of an hour to learn from, on a busy core. */
const REVIEWS = 8000;

interface Case {
  readonly name: string;
  readonly answers: 'one-of' | 'yes-no';
  readonly train: Labelled;
  readonly heldOut: Labelled;
}

const config = (answers: Case['answers'], weights: 'full' | 'int8'): ConfigInput => ({
  shop: { timeZone: 'UTC' },
  sources: {
    known: {
      ...{ format: 'csv', table: 'labels', duplicates: 'keep' },
      columns: { label: 'intent', split: 'part' },
      attributes: { texts: ['body'] },
    },
  },
  tasks: { intent: { kind: 'label', source: 'known', answers } },
  text: { night: weights },
  training: { threads: 1 },
});

/**
 * What `text.night: 'int8'` saves and costs, by default settings: support-intents, trained on its training file and asked of its dev part.
 * `--data <folder>`: some of the training rows of clothing-reviews in it, too, every tenth held out. No test row is read.
 */
export async function benchInt8(options: readonly string[] = []): Promise<void> {
  const at = options.indexOf('--data');
  await measure({
    ...{ name: 'support-intents', answers: 'one-of' },
    train: await readLabelled(EXAMPLE, 'train'),
    heldOut: await readLabelled(EXAMPLE, 'dev'),
  });
  if (at < 0) return;
  const { train } = await clothingReviews(join(resolve(options[at + 1]!), 'clothing-reviews'));
  const part = (held: boolean): Labelled => {
    const rows = Array.from({ length: REVIEWS }, (_, row) => row).filter((row) => (row % 10 === 0) === held);
    return { texts: rows.map((row) => train.texts[row]!), labels: rows.map((row) => train.labels[row]!) };
  };
  await measure({ name: 'clothing-reviews', answers: 'yes-no', train: part(false), heldOut: part(true) });
}

async function measure({ name, answers, train, heldOut }: Case): Promise<void> {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = Object.entries({ train, test: heldOut }).flatMap(([part, { texts, labels }]) =>
    texts.map((text, row) => [quoted(text), labels[row]!, part].join()),
  );
  const shop = await openShop(config(answers, 'full'));
  await shop.store.put('drop/known/all.csv', `${['body,intent,part', ...lines].join('\n')}\n`);
  const { runId, manifest } = await night(shop, null);
  const versions = await versionsOf(shop.store, runId, manifest);
  const group = manifest.groups[0]!;
  const files = await readModelFiles(shop.store, group.name, versions[group.name]!);
  const rows: string[][] = [];
  console.log(`\n${name}: ${train.texts.length} training texts, ${heldOut.texts.length} held out`);
  for (const weights of ['full', 'int8'] as const) {
    const asked = { ...manifest, config: parseConfig(config(answers, weights)) };
    const context = { store: shop.store, runId, manifest: asked, group, threads: 1 };
    const served = await servedTable(files, context, console.log);
    const used = process.cpuUsage();
    const told = await scoreTable(served, context);
    const { user, system } = process.cpuUsage(used);
    rows.push([
      weights,
      whole(served['model.onnx']!.length),
      fixed((user + system) / 1000 / lines.length),
      fixed(qualityOf(told, heldOut.labels, train.texts.length), 4),
    ]);
  }
  const quality = answers === 'one-of' ? 'accuracy' : 'AUROC';
  console.log(table(['', 'bytes', 'cpu s per 1,000 texts', `${quality} held out`], rows));
}

/** Accuracy of classes, AUROC of a yes or no. @param from the first of the held-out rows */
function qualityOf({ tasks, classes }: ShardScores, labels: readonly string[], from: number): number {
  const told = classes?.intent;
  if (!told) {
    const probability = tasks.intent!.probability.slice(from);
    return auroc(
      labels.map((label) => Number(label === '1')),
      probability,
    );
  }
  const width = told.classes.length;
  const right = labels.filter((label, i) => {
    const own = told.probabilities.subarray((from + i) * width, (from + i + 1) * width);
    return told.classes[own.indexOf(Math.max(...own))] === label;
  });
  return right.length / labels.length;
}
