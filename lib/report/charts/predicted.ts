import * as Plot from '@observablehq/plot';
import type { NumbersAssessment } from '../../engine/metrics/index.ts';
import { percent, significant } from '../format.ts';
import type { Html } from '../html.ts';
import { ACCENT, DASHES, draw, figure, INK, nothing } from './draw.ts';

/** What was told of some rows beside what was real. */
export function predictedFigure({ points, coverage, mae }: NumbersAssessment, on: string): Html {
  const text = {
    title: 'Told and real',
    lead: `Off by ${significant(mae)} in the mean; ${percent(coverage)} within their interval`,
    read: `Points (${on}): some of the rows, by what was told and what was real. On the dashed line both are the same.`,
    worry: 'the points lie in a flat band: nearly the same is told of all.',
  };
  if (points.length === 0) return figure(text, nothing('No rows were measured.'));
  const all = points.flat();
  const ends = [Math.min(...all), Math.max(...all)];
  const chart = draw(`Told and real numbers of ${points.length} rows`, {
    x: { label: 'told', ticks: 5 },
    y: { label: 'real', grid: true, ticks: 5 },
    marks: [
      Plot.line(
        ends.map((end) => [end, end] as const),
        { stroke: INK, strokeDasharray: DASHES },
      ),
      Plot.dot(points, { r: 1.5, fill: ACCENT, fillOpacity: 0.5 }),
    ],
  });
  return figure(text, chart);
}
