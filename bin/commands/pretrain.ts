import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { ConfigError, contentId, NightjarError, parseDay } from '../../lib/data/index.ts';
import {
  type OwnEncoderOptions,
  ownEncoder,
  pretrainText,
  readTexts,
  saveTextEncoder,
  type TextEncoderModel,
  type TokenizerFiles,
} from '../../lib/engine/text/index.ts';
import type { CurvePoint } from '../../lib/engine/train/index.ts';
import { textsBefore } from '../../lib/models/index.ts';
import { buildManifest, openUsers } from '../../lib/run/index.ts';
import { explainedAt, writeWhole } from '../../lib/runtime/index.ts';
import type { Workspace } from '../workspace.ts';
import { pretrainOnVisits } from './pretrain-behaviour.ts';
import { dayArgument, fixed, runSteps, type Step, thousands, workplaceOf } from './shared.ts';

/** A machine may go at any moment: what is lost with it is at most so many ms. */
const CHECKPOINT_EVERY = 120_000;

interface PretrainOptions {
  readonly text?: boolean;
  readonly behaviour?: boolean;
  readonly column: string[];
  readonly where?: string;
  readonly asOf?: string;
  readonly out?: string;
  readonly steps: number;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly vocabulary: number;
  readonly maxLength: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly threads: number;
  readonly seed: number;
  readonly json?: boolean;
}

type TextOptions = PretrainOptions & { readonly out: string };

interface PretrainContext {
  texts: string[];
  made?: { encoder: TextEncoderModel; files: TokenizerFiles };
  curve?: CurvePoint[];
}

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('a whole number from 1 is expected');
  return value;
};

const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0 is expected');
  return value;
};

/** Options that say something of texts alone. */
const OF_TEXTS = [
  ...['column', 'where', 'layers', 'width', 'heads', 'vocabulary', 'maxLength', 'epochs', 'learningRate'],
];

/**
 * `nightjar pretrain`: an encoder for shops that bring none, from their own texts; or one of how customers behave, which other
 * shops can bring.
 */
export function pretrainCommand(): Command {
  return new Command('pretrain')
    .description(
      "train a tokenizer and a small text encoder on the shop's own texts: those of files, or those of the config's events and items before a day; or an encoder of visits that another shop's config can name",
    )
    .argument(
      '[files...]',
      'csv, jsonl (both also .gz) or parquet files; without any the dropped events and items',
    )
    .option('--text', 'pretrain a text encoder')
    .option(
      '--behaviour',
      "pretrain an encoder of visits on the config's events; its shape is that of `model`",
    )
    .option('--column <name...>', 'columns of the files with texts', [])
    .option('--where <sql>', 'rows of the files to use: the training part, say "row_number % 5 <> 0"')
    .option(
      '--as-of <day>',
      'use what was known before this shop midnight alone (YYYY-MM-DD); of visits by default the day after the last complete one',
      dayArgument,
    )
    .option('--out <folder>', 'where the encoder is written (default: "text-encoder", "behaviour")')
    .option('--steps <n>', 'steps of an encoder of visits', whole, 1000)
    .option('--layers <n>', 'layers', whole, 2)
    .option('--width <n>', 'width of the hidden states', whole, 128)
    .option('--heads <n>', 'attention heads of a layer', whole, 4)
    .option('--vocabulary <n>', 'the most tokens of the vocabulary', whole, 8000)
    .option('--max-length <n>', 'tokens of a text that are read', whole, 64)
    .option('--epochs <n>', 'passes over the texts', whole, 20)
    .option('--learning-rate <rate>', 'peak learning rate', positive, 1e-3)
    .option('--threads <n>', 'threads of the runtime', whole, 1)
    .option('--seed <n>', 'seed of everything drawn', whole, 1)
    .option('--json', 'print the result for a machine')
    .action(async (files: string[], options: PretrainOptions, command: Command) => {
      if (options.text === options.behaviour) {
        throw new ConfigError(
          'say what is to be pretrained: --text, an encoder of texts, or --behaviour, one of visits',
        );
      }
      if (options.behaviour) {
        const given = OF_TEXTS.find((name) => command.getOptionValueSource(name) === 'cli');
        if (given !== undefined || files.length > 0) {
          throw new ConfigError(
            `${given === undefined ? 'files are' : `--${given.replace(/[A-Z]/g, (sign) => `-${sign.toLowerCase()}`)} is`} for --text: ` +
              'an encoder of visits reads the events of the config, and has the shape that its `model` says',
          );
        }
        await pretrainOnVisits(await workplaceOf(command), { ...options, out: options.out ?? 'behaviour' });
        return;
      }
      if (command.getOptionValueSource('steps') === 'cli') {
        throw new ConfigError(
          '--steps is for --behaviour: a text encoder is pretrained for so many --epochs',
        );
      }
      if (files.length > 0 && options.asOf) {
        throw new ConfigError('files have no days to cut at: give --where in place of --as-of, or no files');
      }
      if (files.length === 0 && !options.asOf) {
        throw new ConfigError(
          'say which files hold texts, or before which day those of the config are known: --as-of',
        );
      }
      const ofTexts = { ...options, out: options.out ?? 'text-encoder' };
      const workspace = files.length === 0 ? await workplaceOf(command) : undefined;
      const context: PretrainContext = { texts: [] };
      const read = workspace ? shopTextsStep(workspace, options.asOf!) : fileTextsStep(files, options);
      const steps = [read, tokenizerStep(options), pretrainStep(ofTexts), writeStep(ofTexts)];
      await runSteps(context, steps, options.json ?? false);
      print(context, ofTexts);
    });
}

const fileTextsStep = (
  files: readonly string[],
  { column, where }: PretrainOptions,
): Step<PretrainContext> => ({
  title: 'read the texts',
  async run(context) {
    context.texts = await readTexts(files, { columns: column, where });
    return `${thousands(context.texts.length)} texts`;
  },
});

const shopTextsStep = ({ store, config, ingest }: Workspace, asOf: string): Step<PretrainContext> => ({
  title: `read the texts before ${asOf}`,
  async run(context, tell) {
    const drops = await ingest(tell);
    const manifest = buildManifest({
      purpose: 'training',
      config,
      asOf,
      groups: [],
      drops,
      champions: {},
      snapshot: null,
    });
    context.texts = await textsBefore(store, manifest, openUsers(store, manifest).shards, parseDay(asOf), 0);
    return `${thousands(context.texts.length)} different texts`;
  },
});

const tokenizerStep = (options: PretrainOptions): Step<PretrainContext> => ({
  title: 'train the tokenizer',
  async run(context) {
    if (context.texts.length === 0) throw new NightjarError('there are no texts to pretrain an encoder on');
    const { layers, width, heads, vocabulary, maxLength, seed } = options;
    const shape: OwnEncoderOptions = { layers, width, heads, vocabulary, maxLength, seed };
    context.made = ownEncoder(context.texts, shape);
    return `${thousands(context.made.encoder.tokenizer.size)} tokens`;
  },
});

const pretrainStep = (options: TextOptions): Step<PretrainContext> => ({
  title: 'pretrain the encoder',
  async run(context, tell) {
    const { encoder } = context.made!;
    const { layers, width, heads, vocabulary, maxLength, epochs, learningRate, threads, seed } = options;
    const settings = { layers, width, heads, vocabulary, maxLength, epochs, learningRate, threads, seed };
    const folder = resolve(options.out);
    await mkdir(folder, { recursive: true });
    // Named by all that decides the run: another run never goes on from it.
    const path = join(folder, `checkpoint-${contentId({ ...settings, texts: context.texts })}.safetensors`);
    const stop = new AbortController();
    const abort = () => stop.abort();
    process.once('SIGINT', abort).once('SIGTERM', abort);
    let last = performance.now();
    try {
      const { encoder: trained, curve } = await pretrainText(encoder, context.texts, {
        ...settings,
        signal: stop.signal,
        ...(existsSync(path) ? { resume: await readFile(path) } : {}),
        checkpoint: {
          every: () => performance.now() - last >= CHECKPOINT_EVERY,
          async put(bytes) {
            await writeWhole(path, bytes);
            last = performance.now();
          },
        },
        onProgress: ({ step, of, loss }) =>
          tell(`step ${thousands(step)} of ${thousands(of)}, loss ${fixed(loss)}`),
      });
      context.made = { ...context.made!, encoder: trained };
      context.curve = curve;
      await rm(path, { force: true });
      return `loss ${fixed(curve.at(-1)!.trainLoss)}`;
    } finally {
      process.off('SIGINT', abort).off('SIGTERM', abort);
    }
  },
});

const writeStep = ({ out }: TextOptions): Step<PretrainContext> => ({
  title: 'write the folder',
  async run({ made }) {
    await explainedAt({ path: resolve(out) }, saveTextEncoder(resolve(out), made!.encoder, made!.files));
    return resolve(out);
  },
});

function print({ texts, made, curve }: PretrainContext, { out, json }: TextOptions): void {
  const { encoder } = made!;
  const parameters = encoder.graph.parameters.reduce((sum, { data }) => sum + data.length, 0);
  const result = {
    folder: resolve(out),
    texts: texts.length,
    vocabulary: encoder.tokenizer.size,
    parameters,
    steps: curve!.at(-1)!.step,
    firstLoss: curve![0]!.trainLoss,
    lastLoss: curve!.at(-1)!.trainLoss,
  };
  if (json) {
    console.log(JSON.stringify(result));
    return;
  }
  console.log(
    `\n${thousands(parameters)} parameters, ${thousands(result.vocabulary)} tokens; hidden words told with a loss of ` +
      `${fixed(result.firstLoss)} in the first pass and ${fixed(result.lastLoss)} in the last\nencoder  ${result.folder}`,
  );
}
