import type { ConfigInput } from '../../../lib/config/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';

/** A labelled table that trains in seconds. */
export const tableConfig: ConfigInput = {
  shop: { timeZone: 'UTC' },
  sources: {
    visits: {
      format: 'csv',
      table: 'labels',
      columns: { label: 'bought', split: 'part' },
      attributes: { numbers: ['pages', 'leak'], categories: ['device'], texts: ['query'] },
      duplicates: 'keep',
    },
  },
  tasks: { bought: { kind: 'label', source: 'visits', positive: 'yes', exclude: ['leak'] } },
  training: { steps: 40, batchSize: 64, threads: 1, tensorboard: true },
  model: { hidden: 8, members: 2 },
};

/** Visits, of which every fourth is for testing. `spoil` may change those. */
export function tableRows(
  spoil: (cells: string[], rng: ReturnType<typeof createRng>) => string[] = (cells) => cells,
): string {
  const rng = createRng('visits');
  const other = createRng('spoilt');
  const rows = Array.from({ length: 400 }, (_, i) => {
    const pages = rng.integer(30);
    const device = ['phone', 'desktop', 'tablet'][rng.integer(3)]!;
    const query = ['red shoes', 'blue shoes', 'boots'][rng.integer(3)]!;
    const score = pages / 6 - 3 + (device === 'desktop' ? 1 : 0) + (query === 'boots' ? 1 : 0);
    const bought = rng.uniform() < 1 / (1 + Math.exp(-score)) ? 'yes' : 'no';
    const part = i % 4 === 0 ? 'test' : 'train';
    const cells = [`${pages}`, bought === 'yes' ? '1' : '0', device, query, bought, part];
    return (part === 'test' ? spoil(cells, other) : cells).join();
  });
  return `${['pages,leak,device,query,bought,part', ...rows].join('\n')}\n`;
}
