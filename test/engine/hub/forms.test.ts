import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { checkParity } from '../../../lib/engine/parity/index.ts';
import { ALL } from '../../all.ts';
import { checkForms } from './check-form.ts';

/** NIGHTJAR_PYTHON, else the one on the path, where it has all that the tools want. */
const SEES = 'import torch, transformers, onnx, onnx_ir, onnxruntime, safetensors';
const python = ALL
  ? [process.env.NIGHTJAR_PYTHON, 'python3'].find(
      (name) => name && spawnSync(name, ['-c', SEES], { stdio: 'ignore' }).status === 0,
    )
  : undefined;
const tool = (name: string) => fileURLToPath(new URL(`../../fixtures/reference/${name}`, import.meta.url));

function made(...args: string[]): void {
  const ended = spawnSync(python!, args, { encoding: 'utf8' });
  if (ended.status !== 0) throw new Error(ended.stderr);
}

it.runIf(python).each(['bert-older', 'deberta-v3', 'xlnet'])(
  '%s: equals PyTorch, and every form of a hub can be read and tuned',
  async (family) => {
    const folder = await mkdtemp(join(tmpdir(), `${family}-`));
    try {
      // given
      made(tool('make-folder.py'), family, folder, '--steps', '4');
      made(tool('make-forms.py'), folder);
      // when
      const { ok, comparisons } = await checkParity(folder, {
        files: ['model.onnx'],
        only: ['forward', 'gradients'],
      });
      const forms = await checkForms(folder);
      // then
      expect(comparisons.filter((comparison) => !comparison.ok)).toEqual([]);
      expect(ok).toBe(true);
      expect(forms.filter(({ failed }) => failed)).toEqual([]);
      const tried = forms.filter(({ notMade }) => !notMade);
      expect(tried.length).toBeGreaterThan(10);
      for (const { form, difference, learned } of tried) {
        const limit = form === 'fp16' ? 1e-4 : 1e-5;
        expect(difference, form).toBeLessThan(limit);
        expect(learned, form).toBeLessThan(1);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  600_000,
);
