import { expect, it } from 'vitest';
import { ALL } from '../all.ts';
import { KINDS } from './kinds.ts';
import { rngOf } from './mutate.ts';
import { isRefusal } from './reader.ts';
import { fuzz } from './run.ts';

/** A few of the files of `npm run fuzz`, in this process: those of a seed are the same each time. */
it.each([
  ['arrow', 400],
  ['onnx', 40],
  ['stored', 200],
  ['safetensors', 400],
  ['tokenizer', 100],
  ['s3-event', 400],
  ['config', 20],
  ['csv', 15],
  ['jsonl', 10],
  ['parquet', 80],
])('%s: %i changed files are read or refused in words', async (name, files) => {
  // given
  const reader = await KINDS[name]!.open();
  const faults: unknown[] = [];
  let refused = 0;
  // when
  for (let index = 0; index < files; index++) {
    const rng = rngOf(name, 1, index);
    const seed = reader.seeds[rng.integer(reader.seeds.length)]!;
    try {
      if ((await reader.read(reader.mutate(rng, seed))) === 'refused') refused += 1;
    } catch (error) {
      if (isRefusal(error)) refused += 1;
      else faults.push([index, error]);
    }
  }
  for (const seed of reader.seeds) expect(await reader.read(seed)).toBe('read');
  await reader.close?.();
  // then
  expect(faults).toEqual([]);
  expect(refused).toBeGreaterThan(0);
});

it.runIf(ALL).each([
  ['memory', { seconds: 30, mebibytes: -1000 }],
  ['hang', { seconds: -1, mebibytes: 1000 }],
])(
  'a process that shows a fault of %s is killed, told by its file, and the next one goes on',
  async (kind, limits) => {
    const { faults, read, refused } = await fuzz('safetensors', 1, { from: 0, to: 50_000 }, limits);
    expect(faults.length).toBeGreaterThan(1);
    expect(new Set(faults.map((fault) => fault.kind))).toEqual(new Set([kind]));
    expect(faults[1]!.index).toBeGreaterThan(faults[0]!.index);
    expect(read + refused).toBeGreaterThan(0);
  },
  300_000,
);
