import { describe, expect, it } from 'vitest';
import { tune } from '../../examples/lora/lora.ts';
import { importModel } from '../../lib/engine/onnx/index.ts';

const file = (name: string) => new URL(`../fixtures/reference/tiny-bert/${name}`, import.meta.url).pathname;

describe('the example of LoRA', () => {
  it.each(['model.onnx', 'model-dynamo.onnx'])(
    'trains on %s and leaves an adapter and one model',
    async (name) => {
      // when
      const { curve, trained, adapter, model, mergeDifference } = await tune(file(name), 12);
      // then
      expect(trained.filter((parameter) => parameter.startsWith('lora.'))).toHaveLength(8);
      expect(curve.at(-1)!.trainLoss).toBeLessThan(0.97 * curve[0]!.trainLoss);
      expect(adapter.length).toBeLessThan(0.05 * model.length);
      expect(mergeDifference).toBeLessThan(1e-5);
      expect(importModel(model).parameters.some((parameter) => parameter.name.startsWith('lora.'))).toBe(
        false,
      );
    },
  );
});
