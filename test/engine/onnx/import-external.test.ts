import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importModel, readModelFile } from '../../../lib/engine/onnx/index.ts';
import { external, foreignModel, info, node } from './support/foreign.ts';

describe('weights beside the model', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightjar-import-'));
  const model = (location: string, offset = 4, length = 16): Uint8Array =>
    foreignModel({
      input: [info('x', 'float32', ['batch', 2])],
      initializer: [external(location, offset, length)],
      node: [node('MatMul', ['x', 'w'], ['y'])],
      output: [info('y', 'float32')],
    });
  const weights = new Uint8Array(Float32Array.of(9, 1, 2, 3, 4).buffer);

  beforeAll(() => {
    writeFileSync(join(folder, 'model.onnx_data'), weights);
    for (const [name, bytes] of [
      ['model.onnx', model('model.onnx_data')],
      ['late.onnx', model('model.onnx_data', 8)],
      ['lost.onnx', model('lost.bin')],
      ['outside.onnx', model('../../weights.bin')],
      ['absolute.onnx', model('/etc/passwd', 0)],
      ['folder.onnx', model('.', 0)],
      ['pipe.onnx', model('pipe', 0)],
      ['before.onnx', model('model.onnx_data', -4)],
      ['endless.onnx', model('model.onnx_data', 0, 2 ** 52)],
      ['cut.onnx', model('model.onnx_data', 4, 15)],
    ] as const) {
      writeFileSync(join(folder, name), bytes);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are read from files and from memory', async () => {
    // given / when
    const fromFile = await readModelFile(join(folder, 'model.onnx'));
    const fromMemory = importModel(model('w.bin'), {
      externalData: (location) => (location === 'w.bin' ? weights : new Uint8Array(0)),
    });
    // then
    for (const { parameters } of [fromFile, fromMemory]) {
      expect(parameters.map(({ name, data }) => [name, ...data])).toEqual([['w', 1, 2, 3, 4]]);
    }
  });

  it.each([
    ['absolute', 'outside the folder of the model'],
    ['folder', 'it is no file'],
    ['pipe', 'it is no file'],
    ['before', 'a file has no byte -4'],
    ['endless', 'it ends 4503599627370476 bytes early'],
    ['cut', 'holds 15 bytes, which are no whole numbers of 4 bytes'],
  ])('are not looked for where a hostile model says: %s', async (name, why) => {
    // given: whoever opens a pipe waits for another who writes to it
    if (name === 'pipe') execFileSync('mkfifo', [join(folder, 'pipe')]);
    // when / then
    await expect(readModelFile(join(folder, `${name}.onnx`))).rejects.toThrow(why);
  });

  it('that cannot be read are named with their tensor', async () => {
    // given / when / then
    await expect(readModelFile(join(folder, 'lost.onnx'))).rejects.toThrow(
      /Tensor w lies in the file lost.bin at byte 4, which cannot be read: ENOENT/,
    );
    await expect(readModelFile(join(folder, 'late.onnx'))).rejects.toThrow('it ends 4 bytes early');
    await expect(readModelFile(join(folder, 'outside.onnx'))).rejects.toThrow(
      'outside the folder of the model',
    );
    await expect(readModelFile(join(folder, 'none.onnx'))).rejects.toThrow(/none.onnx cannot be read/);
    expect(() => importModel(model('w.bin'))).toThrow(
      'read the model by readModelFile, or pass externalData',
    );
  });
});
