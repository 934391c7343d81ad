import { fileURLToPath } from 'node:url';
import { fixed, table } from '../../bin/commands/shared.ts';
import { type ConfigInput, parseConfig } from '../../lib/config/index.ts';
import { versionsOf } from '../../lib/models/index.ts';
import { scoreTable } from '../../lib/models/table/score.ts';
import { servedTable } from '../../lib/models/table/served.ts';
import { readModelFiles } from '../../lib/registry/index.ts';
import { night, openShop } from '../e2e/nights.ts';
import { whole } from './support.ts';
import { readLabelled } from './text-tasks.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/support-intents/drops/messages', import.meta.url));

const config = (weights: 'full' | 'int8'): ConfigInput => ({
  shop: { timeZone: 'UTC' },
  sources: {
    known: {
      ...{ format: 'csv', table: 'labels', duplicates: 'keep' },
      columns: { label: 'intent', split: 'part' },
      attributes: { texts: ['body'] },
    },
  },
  tasks: { intent: { kind: 'label', source: 'known', answers: 'one-of' } },
  text: { night: weights },
  training: { threads: 1 },
});

/**
 * What `text.night: 'int8'` saves and costs: support-intents by default settings, trained on its training file, asked of its dev part.
 * The test file is not read.
 */
export async function benchInt8(): Promise<void> {
  const parts = { train: await readLabelled(EXAMPLE, 'train'), test: await readLabelled(EXAMPLE, 'dev') };
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = Object.entries(parts).flatMap(([part, { texts, labels }]) =>
    texts.map((text, row) => [quoted(text), labels[row]!, part].join()),
  );
  const shop = await openShop(config('full'));
  await shop.store.put('drop/known/all.csv', `${['body,intent,part', ...lines].join('\n')}\n`);
  const { runId, manifest } = await night(shop, null);
  const versions = await versionsOf(shop.store, runId, manifest);
  const group = manifest.groups[0]!;
  const files = await readModelFiles(shop.store, group.name, versions[group.name]!);
  const rows: string[][] = [];
  for (const weights of ['full', 'int8'] as const) {
    const asked = { ...manifest, config: parseConfig(config(weights)) };
    const context = { store: shop.store, runId, manifest: asked, group, threads: 1 };
    const served = await servedTable(files, context, console.log);
    const used = process.cpuUsage();
    const { classes, probabilities } = (await scoreTable(served, context)).classes!.intent!;
    const { user, system } = process.cpuUsage(used);
    const { train, test } = parts;
    const right = test.labels.filter((label, i) => {
      const from = (train.texts.length + i) * classes.length;
      const own = probabilities.subarray(from, from + classes.length);
      return classes[own.indexOf(Math.max(...own))] === label;
    });
    rows.push([
      weights,
      whole(served['model.onnx']!.length),
      fixed((user + system) / 1000 / lines.length),
      fixed(right.length / test.labels.length, 4),
    ]);
  }
  console.log(table(['', 'bytes', 'cpu s per 1,000 texts', 'accuracy on dev'], rows));
}
