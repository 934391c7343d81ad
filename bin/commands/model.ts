import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { NightjarError } from '../../lib/data/index.ts';
import { createRng } from '../../lib/engine/host/index.ts';
import {
  describeModel,
  explainTexts,
  type ModelSummary,
  openTextModel,
  type TextExplanation,
} from '../../lib/engine/inspect/index.ts';
import { decodeModel, type Graph, readModelFile } from '../../lib/engine/onnx/index.ts';
import { applyLora } from '../../lib/engine/peft/index.ts';
import { championOf, readModelFile as readStored } from '../../lib/registry/index.ts';
import { modelExportCommand } from './model-export.ts';
import { table, workspaceOf } from './shared.ts';

/** `nightjar model`: looking into models, trained here or brought. */
export function modelCommand(): Command {
  return new Command('model')
    .description('look into a model, trained here or brought along')
    .addCommand(modelExportCommand())
    .addCommand(showCommand())
    .addCommand(explainCommand());
}

interface ShowOptions {
  readonly train?: string[];
  readonly lora?: string[];
  readonly rank: string;
  readonly json?: boolean;
}

/** `nightjar model show`: inputs, outputs, operators, parameters by layer, what would be trained. */
function showCommand(): Command {
  return new Command('show')
    .description(
      'what a model is made of: inputs, outputs, operators, parameters by layer, the share that is trained',
    )
    .argument('<model>', 'an .onnx file, a folder with model.onnx, or <group>[/<version>] of the store')
    .option(
      '--train <what...>',
      'what would be trained: all, head, bitfit, norms, lora, or patterns over parameter names',
    )
    .option(
      '--lora <layer...>',
      'put LoRA on the linear layers that fit these patterns (trained unless --train says)',
    )
    .option('--rank <n>', 'rank of LoRA', '8')
    .option('--json', 'print it for a machine')
    .action(async (name: string, options: ShowOptions, command: Command) => {
      const base = await openModel(name, command);
      const rank = Number(options.rank);
      const graph = options.lora
        ? applyLora(base, { rank, alpha: rank, targets: options.lora, rng: createRng(0) }).graph
        : base;
      const summary = describeModel(graph, options.train ?? (options.lora ? 'lora' : 'all'));
      if (options.json) console.log(JSON.stringify(summary, null, 2));
      else printSummary(summary);
    });
}

/** @throws NightjarError when there is no such file, folder or model of the store */
async function openModel(name: string, command: Command): Promise<Graph> {
  const found = await stat(name).catch(() => undefined);
  if (found?.isFile()) return readModelFile(name);
  if (found?.isDirectory()) return readModelFile(join(name, 'model.onnx'));
  const { store } = await workspaceOf(command);
  const [group = '', given] = name.split('/');
  const version = given ?? (await championOf(store, group));
  if (!version) {
    throw new NightjarError(
      `${name} is no file or folder, and no group of the store with a champion; "nightjar status" lists what is there`,
    );
  }
  return decodeModel(await readStored(store, group, version, 'model.onnx'));
}

function printSummary(summary: ModelSummary): void {
  const { inputs, outputs, operators, layers, parameters, metadata } = summary;
  const ends = (values: ModelSummary['inputs'], end: string) =>
    values.map(({ name, dtype, shape }) => [end, name, dtype, `[${shape.join(', ')}]`]);
  console.log(`${summary.name || 'model'}, operator set ${summary.opset}\n`);
  console.log(table(['', 'name', 'type', 'shape'], [...ends(inputs, 'input'), ...ends(outputs, 'output')]));
  console.log(`\n${operators.map(({ op, count }) => `${op} ${count}`).join(', ')}\n`);
  const rows = layers.map(({ name, tensors, values, trained }) => [name, tensors, values, trained]);
  const all = ['all', parameters.tensors, parameters.values, parameters.trained];
  console.log(table(['parameters', 'tensors', 'numbers', 'trained'], [...rows, all]));
  const megabytes = (parameters.bytes / 1e6).toFixed(1);
  console.log(`\n${(100 * parameters.share).toFixed(2)} % would be trained; ${megabytes} MB as float32`);
  for (const [key, value] of Object.entries(metadata)) {
    console.log(`${key}: ${value.length > 100 ? `${value.slice(0, 100)}…` : value}`);
  }
}

interface ExplainFlags {
  readonly text: string[];
  readonly model?: string;
  readonly output?: string;
  readonly column?: string;
  readonly steps?: string;
  readonly json?: boolean;
}

/** `nightjar model explain`: what each token of a text did. */
function explainCommand(): Command {
  return new Command('explain')
    .description(
      'what each token of a text did: integrated gradients of an output, and attention roll-out into the first position',
    )
    .argument('<folder>', 'a text model: model.onnx and tokenizer.json')
    .requiredOption('--text <text...>', 'texts to explain')
    .option('--model <file>', 'model file of the folder (default: model.onnx)')
    .option('--output <name>', 'output to explain (default: the first of two axes)')
    .option('--column <n>', 'class to explain (default: the highest)')
    .option('--steps <n>', 'points of the path of integrated gradients (default: 64)')
    .option('--json', 'print it for a machine')
    .action(async (folder: string, { text, model, output, column, steps, json }: ExplainFlags) => {
      const explanations = await explainTexts(await openTextModel(folder, model), text, {
        ...(output === undefined ? {} : { output }),
        ...(column === undefined ? {} : { column: Number(column) }),
        ...(steps === undefined ? {} : { steps: Number(steps) }),
      });
      if (json) console.log(JSON.stringify(explanations, null, 2));
      else for (const explanation of explanations) printExplanation(explanation);
    });
}

function printExplanation({ text, tokens, output }: TextExplanation): void {
  console.log(text);
  if (output) {
    const { name, column, value, atBaseline, gap } = output;
    console.log(
      `${name}, column ${column}: ${value.toFixed(4)}, without any token ${atBaseline.toFixed(4)}; the parts add up to the difference but for ${gap.toExponential(1)}`,
    );
  }
  const cell = (number: number | undefined) => (number === undefined ? '–' : number.toFixed(4));
  const rows = tokens.map(({ token, attribution, rollout }) => [token, cell(attribution), cell(rollout)]);
  console.log(`${table(['token', 'added to the output', 'attention roll-out'], rows)}\n`);
}
