import { fileURLToPath } from 'node:url';
import { fixed, table } from '../../bin/commands/shared.ts';
import {
  fitTextClassifier,
  ownEncoder,
  predictTexts,
  pretrainText,
  type TextClassifierOptions,
} from '../../lib/engine/text/index.ts';
import { whole } from './support.ts';
import { type Labelled, readLabelled } from './text-tasks.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/support-intents/drops/messages', import.meta.url));

const TRAINING = 1500;
const ASKED = 1000;

const TUNINGS: Readonly<Record<string, TextClassifierOptions>> = {
  full: {},
  head: { train: 'head' },
  gradual: { gradual: true },
  lora: { lora: { rank: 8, alpha: 16, targets: ['query', 'value'] } },
};

/**
 * What each `text.labels.tuning` makes of one encoder at a small budget: some training texts of support-intents, asked of some of its dev
 * part, with n-grams and without. The test part is not read.
 */
export async function benchTuning(): Promise<void> {
  const train = some(await readLabelled(EXAMPLE, 'train'), TRAINING);
  const dev = some(await readLabelled(EXAMPLE, 'dev'), ASKED);
  const { encoder } = ownEncoder(train.texts, {
    ...{ vocabulary: 1000, layers: 2, width: 64, heads: 4, maxLength: 24 },
  });
  const pretrained = await pretrainText(encoder, train.texts, {
    ...{ epochs: 10, tokensPerBatch: 1024, learningRate: 1e-3 },
  });
  const rows: string[][] = [];
  for (const [name, tuning] of Object.entries(TUNINGS)) {
    const shares: string[] = [];
    let seconds = 0;
    for (const ngrams of [{ buckets: 65_521 }, undefined]) {
      const used = process.cpuUsage();
      const classifier = await fitTextClassifier(pretrained.encoder, train.texts, train.labels, {
        ...{ epochs: 6, tokensPerBatch: 512, learningRate: 1e-3, refit: false, ...tuning },
        ...(ngrams ? { ngrams } : {}),
      });
      const { user, system } = process.cpuUsage(used);
      if (ngrams) seconds = (user + system) / 1e6;
      const { labels } = await predictTexts(classifier, dev.texts);
      shares.push(fixed(labels.filter((label, i) => label === dev.labels[i]).length / labels.length, 4));
    }
    rows.push([name, ...shares, whole(seconds)]);
    console.log(rows.at(-1)!.join('  '));
  }
  console.log(table(['', 'accuracy', 'accuracy without n-grams', 'cpu s'], rows));
}

/** Texts at even distances. */
function some({ texts, labels }: Labelled, count: number): Labelled {
  const rows = Array.from({ length: count }, (_, i) => Math.floor((i * texts.length) / count));
  return { texts: rows.map((row) => texts[row]!), labels: rows.map((row) => labels[row]!) };
}
