import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TensorProto_DataType } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importModel, readModelFile } from '../../../lib/engine/onnx/index.ts';
import { foreignModel, info, node, type TensorInit } from './support/foreign.ts';

describe('weights beside the model', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightjar-import-'));
  const external = (location: string, offset: number, length: number): TensorInit => ({
    name: 'w',
    dims: [2n, 2n],
    dataType: TensorProto_DataType.FLOAT,
    dataLocation: 1,
    externalData: [
      { key: 'location', value: location },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(length) },
    ],
  });
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
