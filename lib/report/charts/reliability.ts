import * as Plot from '@observablehq/plot';
import { decimal, isNumber, percent } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { BinaryMeasures } from '../measure-types.ts';
import type { Words } from '../words.ts';
import { ACCENT, DASHES, draw, figure, keys, MUTED, nothing, tickPercent } from './draw.ts';

/** 97.5 % point of the normal distribution: two-sided 95 %. */
const Z = 1.96;

/**
 * Range in which the true rate behind `rate` of `n` draws lies with 95 % confidence: the score interval of Wilson
 * (1927), which stays sound near 0 and 1 and for small n.
 */
export function wilsonInterval(rate: number, n: number): readonly [low: number, high: number] {
  const shrink = 1 + Z ** 2 / n;
  const middle = (rate + Z ** 2 / (2 * n)) / shrink;
  const half = (Z / shrink) * Math.sqrt((rate * (1 - rate)) / n + Z ** 2 / (4 * n ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** Reliability diagram over the bins of ECE: said against happened. */
export function reliabilityFigure({ reliability, ece }: BinaryMeasures, words: Words, on: string): Html {
  const text = {
    title: 'Reliability',
    lead: `ECE ${decimal(ece)}`,
    read: `Dots (${on}): ten parts of the list, what the model said on average (right) and how many ${words.did} (up). Upright bars: what luck alone can explain (95\u00a0%).`,
    worry: 'the bars miss the dashed line: go by the order, not by the probabilities.',
  };
  const bins = reliability
    .filter((bin) => isNumber(bin.meanProbability) && isNumber(bin.observedRate) && bin.n > 0)
    .map((bin) => {
      const [low, high] = wilsonInterval(bin.observedRate, bin.n);
      return { said: bin.meanProbability, happened: bin.observedRate, low, high, n: bin.n };
    });
  if (bins.length === 0) return figure(text, nothing('No bins: nobody was evaluated.'));
  const reach = Math.max(0.01, ...bins.map((bin) => Math.max(bin.said, bin.high)));
  const end = reach > 0.5 ? 1 : reach * 1.05;
  const axis = { domain: [0, end], ticks: 5, tickFormat: tickPercent };
  const chart = draw(
    `Reliability diagram of ${bins.length} bins, expected calibration error ${decimal(ece)}`,
    {
      x: { ...axis, label: 'said on average' },
      y: { ...axis, label: 'happened', grid: true },
      marks: [
        Plot.line(
          [
            [0, 0],
            [end, end],
          ],
          { stroke: MUTED, strokeDasharray: DASHES },
        ),
        Plot.ruleX(bins, {
          x: 'said',
          y1: 'low',
          y2: 'high',
          stroke: ACCENT,
          strokeOpacity: 0.45,
          strokeWidth: 4,
        }),
        Plot.line(bins, { x: 'said', y: 'happened', stroke: ACCENT, strokeWidth: 1.5 }),
        Plot.dot(bins, {
          x: 'said',
          y: 'happened',
          r: 3.5,
          fill: ACCENT,
          title: (bin: (typeof bins)[number]) =>
            `said ${percent(bin.said)}, happened ${percent(bin.happened)}`,
        }),
      ],
    },
  );
  return figure(
    text,
    html`${keys([
      { name: 'scores', kind: 'main' },
      { name: 'probabilities that hold', kind: 'dashed' },
    ])}${chart}`,
  );
}
