import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { checkParity, type Part, summarise } from '../../../lib/engine/parity/index.ts';

const folder = (name: string) => fileURLToPath(new URL(`../../fixtures/reference/${name}`, import.meta.url));

/**
 * `gradients` counts the weights, and the norm of all. The folders were made by test/fixtures/reference/make-folder.py,
 * which makes further ones where torch is installed.
 */
const FAMILIES: readonly { name: string; what: string; only: Part[]; gradients: number; note?: RegExp }[] = [
  { name: 'tiny-mpnet', what: 'relative positions in buckets, padding by 1', only: [], gradients: 40 },
  {
    name: 'tiny-modernbert',
    what: 'rotary positions, sliding attention, products without biases',
    only: [],
    gradients: 23,
    note: /float64 is held to 0.000001: .* sines/,
  },
  {
    name: 'tiny-albert',
    what: 'layers that share their weights, stored as aliases',
    only: ['weights'],
    gradients: 26,
  },
  {
    name: 'fresh-roberta',
    what: 'equal norms and biases that are stored once',
    only: ['weights'],
    gradients: 40,
  },
];

it.each(FAMILIES)(
  '$name: $what',
  async ({ name, only, gradients, note }) => {
    // when
    const { comparisons, notes, ok } = await checkParity(folder(name), {
      only: ['forward', 'gradients', ...only],
    });
    // then
    expect(comparisons.filter((comparison) => !comparison.ok)).toEqual([]);
    expect(notes.map(({ text }) => text)).toEqual(note ? [expect.stringMatching(note)] : []);
    expect(ok).toBe(true);
    const counts = summarise(comparisons).filter(({ part, group }) => part === 'gradients' && group === '');
    expect(counts.map(({ precision, count }) => [precision, count])).toEqual([
      ['f32', gradients],
      ['f64', gradients],
    ]);
    expect(comparisons.some(({ part }) => part === 'weights')).toBe(only.includes('weights'));
  },
  180_000,
);
