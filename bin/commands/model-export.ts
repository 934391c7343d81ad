import { cp, mkdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { ConfigError } from '../../lib/data/index.ts';
import {
  openTextEncoder,
  readTexts,
  type ShrunkEncoder,
  type SmallWeights,
  shrinkEncoder,
} from '../../lib/engine/text/index.ts';
import { writeWhole } from '../../lib/runtime/index.ts';
import { runSteps, thousands } from './shared.ts';

interface ExportFlags {
  readonly out: string;
  readonly weights: SmallWeights;
  readonly texts?: string[];
  readonly column: string[];
  readonly json?: boolean;
}

/** Texts beyond these tell nothing new of what rounding costs. */
const MOST_TEXTS = 1000;

/** `nightjar model export`: an encoder's folder with smaller weights, and what that costs. */
export function modelExportCommand(): Command {
  return new Command('export')
    .description("write a text encoder's folder with smaller weights for scoring, and tell what they cost")
    .argument('<folder>', 'the folder of an encoder: model.onnx and tokenizer.json')
    .requiredOption('--out <folder>', 'where to write')
    .addOption(
      new Option('--weights <type>', 'half the bytes, or a quarter with products in 8 bits')
        .choices(['float16', 'int8'])
        .default('float16'),
    )
    .option('--texts <file...>', `csv, jsonl or parquet files; up to ${MOST_TEXTS} texts measure the cost`)
    .option('--column <name...>', 'columns of the files with texts', [])
    .option('--json', 'print it for a machine')
    .action(async (folder: string, options: ExportFlags) => {
      const { weights, texts: files = [], column, json = false } = options;
      const from = resolve(folder);
      const to = resolve(options.out);
      if (from === to)
        throw new ConfigError('--out must be another folder: the encoder itself stays as it is');
      const { shrunk } = await runSteps<{ shrunk?: ShrunkEncoder }>(
        {},
        [
          {
            title: `storing weights as ${weights}`,
            run: async (context, tell) => {
              const encoder = await openTextEncoder(from);
              const texts = files.length > 0 ? await readTexts(files, { columns: column }) : [];
              context.shrunk = await shrinkEncoder(encoder, weights, texts.slice(0, MOST_TEXTS), {
                onProgress: (done, of) => tell(`${thousands(done)} of ${thousands(of)} texts`),
              });
              await writeFolder(from, to, context.shrunk.model);
              return to;
            },
          },
        ],
        json,
      );
      if (shrunk) print(shrunk, to, json);
    });
}

/** All of the folder but its models; the new one last, whole or not at all. */
async function writeFolder(from: string, to: string, model: Uint8Array): Promise<void> {
  await mkdir(to, { recursive: true });
  const isModel = (path: string) => /\.onnx(_data|\.data)?$/.test(path) || basename(dirname(path)) === 'onnx';
  await cp(from, to, {
    recursive: true,
    filter: (path) => !isModel(path) && !path.endsWith('model.safetensors'),
  });
  await writeWhole(join(to, 'model.onnx'), model);
}

function print({ model, bytesBefore, cost }: ShrunkEncoder, folder: string, json: boolean): void {
  if (json) {
    console.log(JSON.stringify({ folder, bytesBefore, bytes: model.length, cost: cost ?? null }));
    return;
  }
  const share = ((100 * model.length) / bytesBefore).toFixed(0);
  console.log(`${thousands(model.length)} bytes, ${share} % of ${thousands(bytesBefore)}`);
  console.log(
    cost
      ? `over ${thousands(cost.texts)} texts the vectors' cosine to the exact ones is ${cost.meanCosine.toFixed(6)} on average, ${cost.leastCosine.toFixed(6)} at the least; no component moved by more than ${cost.maxDifference.toExponential(1)}`
      : 'what it costs was not measured: give --texts',
  );
}
