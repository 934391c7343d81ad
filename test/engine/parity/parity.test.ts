import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type HostTensor } from '../../../lib/engine/host/index.ts';
import { checkParity, FolderError, type ParityResult, summarise } from '../../../lib/engine/parity/index.ts';
import type { Figures } from '../../../lib/engine/parity/schema.ts';
import { ALL } from '../../all.ts';
import { nightjar } from '../../e2e/command.ts';

const TINY_BERT = fileURLToPath(new URL('../../fixtures/reference/tiny-bert', import.meta.url));
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** A copy of tiny-bert with one model file and changed expectations. */
async function changed({
  figures = () => {},
  tensors = () => {},
}: {
  figures?: (json: Figures) => void;
  tensors?: (tensors: Record<string, HostTensor>) => void;
}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-parity-'));
  folders.push(folder);
  await copyFile(join(TINY_BERT, 'model.onnx'), join(folder, 'model.onnx'));
  const json: Figures = JSON.parse(await readFile(join(TINY_BERT, 'parity.json'), 'utf8'));
  delete json.onnx['model-sdpa.onnx'];
  delete json.onnx['model-dynamo.onnx'];
  figures(json);
  await writeFile(join(folder, 'parity.json'), JSON.stringify(json));
  const { tensors: all } = decodeSafetensors(await readFile(join(TINY_BERT, 'parity.safetensors')));
  tensors(all);
  await writeFile(join(folder, 'parity.safetensors'), encodeSafetensors(all));
  return folder;
}

const beyond = ({ comparisons }: ParityResult) =>
  comparisons.filter(({ ok }) => !ok).map(({ part, group, name }) => [part, group, name].join('|'));

const groupsOf = ({ comparisons }: ParityResult) =>
  summarise(comparisons).map(({ part, precision, group, count }) =>
    [part, precision, group, count].join('|'),
  );

describe('a small BERT with the values that PyTorch computed', () => {
  const FIRST = ['forward|f32||5', 'gradients|f32||40', 'forward|f64||5', 'gradients|f64||40'];

  // What comes after the gradients is the same for every file, and takes the most time.
  it.each(['model-sdpa.onnx', 'model-dynamo.onnx'])(
    'outputs and gradients are met by %s',
    async (file) => {
      // when
      const result = await checkParity(TINY_BERT, { files: [file], only: ['forward', 'gradients'] });
      // then
      expect(beyond(result)).toEqual([]);
      expect(result.notes).toEqual([]);
      expect(result.ok).toBe(true);
      expect(groupsOf(result).slice(0, FIRST.length)).toEqual(FIRST);
    },
    180_000,
  );

  it.each(['model.onnx', ...(ALL ? ['model-sdpa.onnx', 'model-dynamo.onnx'] : [])])(
    'every recorded value is met by %s',
    async (file) => {
      // when
      const result = await checkParity(TINY_BERT, { files: [file] });
      // then
      expect(beyond(result)).toEqual([]);
      expect(result.notes).toEqual([]);
      expect(result.ok).toBe(true);
      expect(groupsOf(result)).toEqual([
        ...FIRST,
        'training|f32|train_full|4',
        'weights|f32|train_full|8',
        'training|f32|train_head|4',
        'weights|f32|train_head|2',
        'gradients|f32|train_lora, step 0|10',
        'training|f32|train_lora|6',
        'weights|f32|train_lora|10',
        'training|f32|train_lora_lr1e2|6',
        'weights|f32|train_lora_lr1e2|10',
        'adversarial|f32|fgm|6',
        'adversarial|f32|fgm, clean + adversarial gradient|8',
        'adversarial|f32|fgm on the table|2',
        'private|f32|init|3',
        'private|f32|nonzero_b|46',
      ]);
    },
    180_000,
  );
});

describe('what the comparison notices', () => {
  it('weight decay on a tensor that has none moves weights beyond the tolerance', async () => {
    // given
    const folder = await changed({
      figures: (json) => {
        for (const key of ['train_full', 'train_lora', 'train_lora_lr1e2'] as const) delete json[key];
        const decayed = json.decay_params.filter((name) => name !== 'head.weight');
        Object.assign(json, { decay_params: decayed, no_decay_params: ['head.weight'] });
      },
    });
    // when
    const result = await checkParity(folder, { only: ['weights'] });
    // then
    expect(beyond(result)).toEqual(['weights|train_head|head.weight']);
    expect(result.ok).toBe(false);
  });

  it('one wrong hidden state among thousands, in both precisions', async () => {
    // given
    const folder = await changed({
      tensors: (all) => {
        all['f64.last_hidden_state']!.data[77] = 0.25;
      },
    });
    // when
    const result = await checkParity(folder, { only: ['forward'] });
    // then
    expect(beyond(result)).toEqual(['forward||last_hidden_state', 'forward||last_hidden_state']);
  });

  it('a weight that no initializer is said to hold is left out, and so is what would train it', async () => {
    // given
    const folder = await changed({
      figures: (json) => {
        delete json.onnx['model.onnx']!.weight_map['encoder.layer.0.attention.self.query.weight'];
        for (const key of ['train_head', 'dp_sgd', 'fgm'] as const) delete json[key];
      },
    });
    // when
    const result = await checkParity(folder, { only: ['weights'] });
    // then
    expect(result.ok).toBe(true);
    expect(result.comparisons).toEqual([]);
    expect(result.notes.map(({ text }) => text.slice(0, 40))).toEqual([
      'encoder.layer.0.attention.self.query.wei',
      'full training is left out: the file hold',
      'LoRA is left out: the file holds no enco',
    ]);
  });

  it('an initializer that is named but not found is a failure', async () => {
    // given
    const folder = await changed({
      figures: (json) => {
        Object.assign(json.onnx['model.onnx']!.weight_map['embeddings.LayerNorm.weight']!, {
          initializer: 'nobody',
        });
        Object.assign(json, { param_names: ['embeddings.LayerNorm.weight', 'head.weight', 'head.bias'] });
      },
    });
    // when
    const result = await checkParity(folder, { only: ['forward'] });
    // then
    expect(result.ok).toBe(false);
    expect(result.notes.map(({ failed, text }) => [failed, text])).toEqual([
      [true, 'embeddings.LayerNorm.weight is not found: the imported graph has no parameter nobody'],
    ]);
  });
});

describe('folders that are no reference', () => {
  it('are told what is missing', async () => {
    await expect(checkParity(join(TINY_BERT, 'nowhere'))).rejects.toThrow(/parity.json cannot be read/);
    await expect(checkParity(TINY_BERT, { files: ['other.onnx'] })).rejects.toThrow(
      /no other.onnx; it names model-dynamo.onnx, model-sdpa.onnx, model.onnx/,
    );
    const noFiles = await changed({ figures: (json) => Object.assign(json, { onnx: {} }) });
    await expect(checkParity(noFiles)).rejects.toThrow(FolderError);
    const noBatch = await changed({ tensors: (all) => delete all['batch0.token_type_ids'] });
    await expect(checkParity(noBatch, { only: ['forward'] })).rejects.toThrow(/input token_type_ids/);
  });
});

describe('the command', () => {
  const run = (...args: string[]) => nightjar(['engine', 'parity', ...args], tmpdir());
  const quick = ['--only', 'forward', '--file', 'model.onnx'];

  it('ends with 0 within tolerance, 1 beyond it and 2 without a folder to compare', async () => {
    // when
    const [within, strict, nowhere] = await Promise.all([
      run(TINY_BERT, ...quick, '--json'),
      run(TINY_BERT, ...quick, '--tolerance', 'forward=1e-12'),
      run(join(TINY_BERT, 'nowhere')),
    ]);
    // then
    expect([within.code, strict.code, nowhere.code]).toEqual([0, 1, 2]);
    const result: ParityResult = JSON.parse(within.stdout);
    expect(result.comparisons.map(({ precision }) => precision)).toEqual([
      ...Array(5).fill('f32'),
      ...Array(5).fill('f64'),
    ]);
    expect(strict.stdout).toMatch(/model\.onnx {2}forward {2}float32 +5 .* 5 beyond/);
    expect(strict.stdout).toMatch(/5 of 10 beyond tolerance/);
    expect(nowhere.stderr).toMatch(/a reference folder holds/);
  });
});
