import * as Plot from '@observablehq/plot';
import { isNumber, plural } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { UpliftMeasures } from '../measure-types.ts';
import { thinCurve } from '../thin.ts';
import { ACCENT, ACCENT_SOFT, DASHES, draw, figure, INK, keys, MUTED, nothing, tickPercent } from './draw.ts';

const NOBODY = 'Nobody was measured in both arms.';

/** How effects are written: percentage points of a chance, or the unit of an amount. */
export type Amount = (value: number | null | undefined) => string;

/**
 * What the treatment changed in each tenth of the list, with intervals, beside what was expected.
 * @param on what the measures were taken on
 */
export function upliftDecilesFigure({ deciles }: UpliftMeasures, amount: Amount, on: string): Html {
  const rows = deciles.flatMap(({ decile, effect, interval, meanPrediction }) =>
    isNumber(effect) ? [{ decile, effect, meanPrediction, interval }] : [],
  );
  const first = rows[0];
  const text = {
    title: 'Uplift by decile',
    ...(first !== undefined && {
      lead: `First tenth: ${amount(first.effect)}, expected ${amount(first.meanPrediction)}`,
    }),
    read: `Bars (${on}): by how much the mean outcome of the treated is above that of the control in each tenth of the list, the highest expected uplift first; lines: 95 % intervals. Dashes: what was expected.`,
    worry:
      'the bars do not fall from left to right, or all intervals reach below zero: then choosing among users gains nothing.',
  };
  if (rows.length === 0) return figure(text, nothing(NOBODY));
  const chart = draw(
    `Uplift by decile: ${rows.map(({ decile, effect }) => `${decile}: ${amount(effect)}`).join('; ')}`,
    {
      x: { label: 'decile (1: highest expected uplift)', type: 'band', padding: 0.2 },
      y: { label: 'uplift', grid: true, ticks: 5 },
      marks: [
        Plot.barY(rows, { x: 'decile', y: 'effect', fill: ACCENT_SOFT }),
        Plot.ruleY([0], { stroke: MUTED }),
        Plot.ruleX(
          rows.flatMap(({ decile, interval }) =>
            interval ? [{ decile, low: interval[0], high: interval[1] }] : [],
          ),
          { x: 'decile', y1: 'low', y2: 'high', stroke: ACCENT, strokeWidth: 1.5 },
        ),
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

/** What treating the best of the list gains, against a list in random order. */
export function qiniFigure({ curve, effect, treated }: UpliftMeasures, amount: Amount, on: string): Html {
  const text = {
    title: 'Qini curve',
    ...(isNumber(effect) && { lead: `Treating everybody gains ${amount(effect)} each` }),
    read: `Line (${on}): treat this share of the list, the highest expected uplift first (right), and so much is gained (up), per treated row of all ${plural(treated, 'one', 'treated rows')}. Dashed: a list in random order.`,
    worry:
      'the line is near the dashed one: the list tells no differences. Where it falls towards the right, those at the end are better left alone.',
  };
  if (curve.length < 2 || !isNumber(effect)) return figure(text, nothing(NOBODY));
  const chart = draw('Qini curve: gain by share of the list treated', {
    x: { domain: [0, 1], ticks: 5, tickFormat: tickPercent, label: 'share of the list' },
    y: { label: 'gain a treated row', grid: true, ticks: 5 },
    marks: [
      Plot.line(
        [
          [0, 0],
          [1, effect],
        ],
        { stroke: MUTED, strokeDasharray: DASHES },
      ),
      Plot.line(thinCurve(curve), { stroke: ACCENT, strokeWidth: 2 }),
    ],
  });
  return figure(
    text,
    html`${keys([
      { name: 'expected uplift', kind: 'main' },
      { name: 'random', kind: 'dashed' },
    ])}${chart}`,
  );
}
