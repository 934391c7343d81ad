import * as Plot from '@observablehq/plot';
import { clip, decimal, isNumber, percent } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { BinaryMeasures, Curve } from '../measure-types.ts';
import type { Words } from '../words.ts';
import {
  ACCENT,
  ACCENT_SOFT,
  DASHES,
  draw,
  figure,
  INK,
  keys,
  MUTED,
  nothing,
  SURFACE,
  tickPercent,
} from './draw.ts';

/**
 * Cumulative gain: how many of those who did are reached with the top share of the list.
 * @param on what the measures were taken on
 */
export function gainFigure({ deciles, positives, n }: BinaryMeasures, words: Words, on: string): Html {
  const baseRate = n > 0 ? positives / n : null;
  const rows = deciles.filter((row) => isNumber(row.cumulativeGain) && row.n > 0);
  const users = rows.reduce((sum, row) => sum + row.n, 0);
  let reached = 0;
  const points: Curve = [
    [0, 0],
    ...rows.map((row) => [(reached += row.n) / users, row.cumulativeGain] as const),
  ];
  const third = rows[2];
  const text = {
    title: 'Cumulative gain',
    ...(third !== undefined && {
      lead: `The first 30\u00a0% hold ${percent(third.cumulativeGain, 0)} of the ${words.takers}`,
    }),
    read: `Thick line (${on}): this share of the list, best scores first (right), holds so many of all ${words.takers} (up). Dashed: a random order. Thin: a perfect one.`,
    worry: 'the thick line is near the dashed one: the list saves nothing.',
  };
  if (rows.length === 0 || !isNumber(baseRate) || baseRate <= 0) {
    return figure(text, nothing(`Not defined: there were no ${words.takers}, so there is nobody to find.`));
  }
  const axis = { domain: [0, 1], ticks: 5, tickFormat: tickPercent };
  const chart = draw(
    `Cumulative gain: ${rows.map((row) => `${row.decile}0 % of the list hold ${percent(row.cumulativeGain, 0)}`).join(', ')}`,
    {
      x: { ...axis, label: 'share of the list' },
      y: { ...axis, label: clip(`of all ${words.takers}`, 40), grid: true },
      marks: [
        Plot.line(
          [
            [0, 0],
            [1, 1],
          ],
          { stroke: MUTED, strokeDasharray: DASHES },
        ),
        Plot.line(
          [
            [0, 0],
            [baseRate, 1],
            [1, 1],
          ],
          { stroke: MUTED, strokeWidth: 1 },
        ),
        Plot.line(points, { stroke: ACCENT, strokeWidth: 2 }),
        Plot.dot(points.slice(1), { r: 3, fill: ACCENT }),
      ],
    },
  );
  return figure(
    text,
    html`${keys([
      { name: 'scores', kind: 'main' },
      { name: 'random', kind: 'dashed' },
      { name: 'perfect', kind: 'thin' },
    ])}${chart}`,
  );
}

/** Lift of each tenth of the list over the base rate. */
export function liftFigure(
  { deciles, lift10, positives, n }: BinaryMeasures,
  words: Words,
  on: string,
): Html {
  const baseRate = n > 0 ? positives / n : null;
  const rows = deciles.filter((row) => isNumber(row.lift) && row.n > 0);
  const text = {
    title: 'Lift by decile',
    lead: `First tenth: ${decimal(lift10, 2)} times the base rate`,
    read: `Bars (${on}): the list in ten parts, the highest scores first. At 1.5, one and a half times as many of them ${words.did} as of all (${percent(baseRate)}, the dashed line).`,
    worry: 'the bars do not fall from left to right: then the order within the list is not to be trusted.',
  };
  if (rows.length === 0)
    return figure(text, nothing(`Not defined: there were no ${words.takers}, so there is no lift.`));
  const chart = draw(`Lift by decile: ${rows.map((row) => decimal(row.lift, 2)).join(', ')}`, {
    x: { label: 'decile (1: highest scores)', type: 'band', padding: 0.2 },
    y: {
      label: 'lift',
      grid: true,
      ticks: 5,
      domain: [0, Math.max(1, ...rows.map((row) => row.lift)) * 1.08],
    },
    marks: [
      Plot.barY(rows, { x: 'decile', y: 'lift', fill: ACCENT_SOFT }),
      Plot.tickY(rows, { x: 'decile', y: 'lift', stroke: ACCENT, strokeWidth: 2 }),
      Plot.ruleY([1], { stroke: MUTED, strokeDasharray: DASHES }),
      Plot.text(rows, {
        x: 'decile',
        y: 'lift',
        dy: -8,
        fill: INK,
        stroke: SURFACE,
        strokeWidth: 4,
        text: (row: (typeof rows)[number]) => decimal(row.lift, 1),
      }),
    ],
  });
  return figure(text, chart);
}
