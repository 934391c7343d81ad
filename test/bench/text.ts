import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fixed, table } from '../../bin/commands/shared.ts';
import {
  accuracy,
  auroc,
  averagePrecision,
  macroF1,
  multiclassLogLoss,
} from '../../lib/engine/metrics/index.ts';
import { fitTextClassifier, ownEncoder, predictTexts, pretrainText } from '../../lib/engine/text/index.ts';
import { clothingReviews, supportIntents, type TextTask } from './text-tasks.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/support-intents/drops/messages', import.meta.url));
const YARDSTICK = fileURLToPath(new URL('./text-yardstick.py', import.meta.url));

type Figures = Partial<Record<'accuracy' | 'macroF1' | 'logLoss' | 'auroc' | 'aupr', number>>;

/**
 * The text tasks, from nothing but their training texts: tokenizer, encoder, pretraining, fine-tuning; beside TF-IDF and
 * linear models in scikit-learn, where a Python has it (PYTHON names another).
 * `--data <folder>`: a folder with support-intents and, optionally, clothing-reviews; without it the example's data.
 * `--task <name>`: one of them alone.
 */
export async function benchText(options: readonly string[] = []): Promise<void> {
  const option = (name: string) => {
    const at = options.indexOf(name);
    return at < 0 ? undefined : options[at + 1];
  };
  const data = option('--data');
  const only = option('--task');
  const intents = data ? join(resolve(data), 'support-intents') : EXAMPLE;
  const reviews = data ? join(resolve(data), 'clothing-reviews') : undefined;
  if ((only ?? 'support-intents') === 'support-intents' && existsSync(intents)) {
    await report(await supportIntents(intents), intents);
  }
  if ((only ?? 'clothing-reviews') === 'clothing-reviews' && reviews && existsSync(reviews)) {
    await report(await clothingReviews(reviews), reviews);
  }
}

async function report(task: TextTask, folder: string): Promise<void> {
  const { name, train, test } = task;
  console.log(`\n${name}: ${train.texts.length} training and ${test.texts.length} test texts`);
  const rows: [string, Figures][] = [
    ['encoder and n-grams, trained here', await ownFigures(task)],
    ...(await yardstick(name, folder)),
  ];
  const columns = ['accuracy', 'macroF1', 'auroc', 'aupr', 'logLoss'] as const;
  console.log(
    table(
      ['', ...columns],
      rows.map(([who, own]) => [who, ...columns.map((c) => fixed(own[c], 4))]),
    ),
  );
}

async function ownFigures({ train, test, encoder, pretraining, classifier }: TextTask): Promise<Figures> {
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(0)} s`;
  const fresh = ownEncoder(train.texts, encoder);
  const pretrained = await pretrainText(fresh.encoder, train.texts, {
    ...pretraining,
    onProgress: progress('pretraining', seconds),
  });
  const fitted = await fitTextClassifier(pretrained.encoder, train.texts, train.labels, {
    ...classifier,
    onProgress: progress('fine-tuning', seconds),
  });
  const { heldOut, scales, epochs } = fitted;
  console.log(
    `  ${seconds()}: best after ${fixed(epochs, 1)} epochs; held-out training texts: accuracy ${fixed(heldOut.accuracy, 4)}, log loss ${fixed(heldOut.logLoss, 4)}; scales ${scales.map((scale) => fixed(scale, 2)).join(' and ')}`,
  );
  const { probabilities, labels: told } = await predictTexts(fitted, test.texts);
  const { classes } = fitted;
  const labels = Int32Array.from(test.labels, (label) => classes.indexOf(label));
  const predictions = { labels, probabilities, classes: classes.length };
  const decided = {
    ...predictions,
    probabilities: Float32Array.from({ length: probabilities.length }, (_, i) =>
      told[Math.floor(i / classes.length)] === classes[i % classes.length] ? 1 : 0,
    ),
  };
  const second = Float64Array.from(labels, (_, row) => probabilities[row * classes.length + 1]!);
  return {
    accuracy: accuracy(decided),
    macroF1: macroF1(decided),
    logLoss: multiclassLogLoss(predictions),
    ...(classes.length === 2 ? { auroc: auroc(labels, second), aupr: averagePrecision(labels, second) } : {}),
  };
}

/** A line now and then. */
function progress(what: string, seconds: () => string) {
  let [sum, count] = [0, 0];
  return ({ step, of, loss }: { step: number; of: number; loss: number }) => {
    sum += loss;
    count++;
    if (step % 200 !== 0 && step !== of) return;
    console.log(`  ${seconds()}: ${what}, step ${step} of ${of}, loss ${fixed(sum / count)}`);
    [sum, count] = [0, 0];
  };
}

async function yardstick(task: string, folder: string): Promise<[string, Figures][]> {
  const python = process.env.PYTHON ?? 'python3';
  try {
    const { stdout } = await promisify(execFile)(python, [YARDSTICK, task, folder]);
    return Object.entries(JSON.parse(stdout) as Record<string, Figures>);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n').at(-2) : String(cause);
    console.log(`  no yardstick: ${python} has no scikit-learn, or failed (${why}); PYTHON names another`);
    return [];
  }
}
