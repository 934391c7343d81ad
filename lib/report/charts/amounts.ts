import * as Plot from '@observablehq/plot';
import { isNumber, significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { ValueMeasures } from '../measure-types.ts';
import { ACCENT, draw, figure, INK, keys, nothing } from './draw.ts';

/** What was expected of each tenth of the list beside what it came to. */
export function calibrationFigure({ deciles }: ValueMeasures, on: string): Html {
  const rows = deciles.filter((row) => isNumber(row.meanPrediction) && isNumber(row.meanTruth));
  const first = rows[0];
  const text = {
    title: 'Expected and real, by tenth',
    ...(first !== undefined && {
      lead: `First tenth: ${significant(first.meanPrediction)} expected, ${significant(first.meanTruth)} real`,
    }),
    read: `Bars (${on}): what a user of each tenth of the list came to in the mean, highest values first. Dashes: what was expected.`,
    worry: 'the dashes are far from the ends of the bars: use the order, not the amounts.',
  };
  if (rows.length === 0) return figure(text, nothing('Nobody was measured.'));
  const chart = draw(
    `Expected and real amounts by tenth: ${rows.map((row) => `${row.decile}: ${significant(row.meanPrediction)} and ${significant(row.meanTruth)}`).join('; ')}`,
    {
      x: { type: 'band', label: 'tenth of the list', tickFormat: String },
      y: { label: 'mean of a user', grid: true, ticks: 5 },
      marks: [
        Plot.barY(rows, { x: 'decile', y: 'meanTruth', fill: ACCENT }),
        Plot.tickY(rows, {
          x: 'decile',
          y: 'meanPrediction',
          stroke: INK,
          strokeWidth: 2,
          strokeDasharray: '3,2',
        }),
      ],
    },
  );
  return figure(
    text,
    html`${keys([
      { name: 'real', kind: 'main' },
      { name: 'expected', kind: 'dashed' },
    ])}${chart}`,
  );
}
