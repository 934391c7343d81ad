import * as Plot from '@observablehq/plot';
import { count, isNumber, percent, plural } from '../format.ts';
import type { Html } from '../html.ts';
import type { BinaryTaskReport } from '../task-types.ts';
import type { Words } from '../words.ts';
import { ACCENT, draw, figure, nothing, tickPercent } from './draw.ts';

/** How many users got which probability. */
export function scoreFigure({ scoreHistogram }: BinaryTaskReport, words: Words): Html {
  const bins = scoreHistogram.filter((bin) => isNumber(bin.from) && isNumber(bin.to) && isNumber(bin.n));
  const users = bins.reduce((sum, bin) => sum + bin.n, 0);
  const most = bins.reduce((peak, bin) => Math.max(peak, bin.n), 0);
  const mean = bins.reduce((sum, bin) => sum + (bin.n * (bin.from + bin.to)) / 2, 0) / users;
  const text = {
    title: 'Score distribution',
    lead:
      users > 0
        ? `${plural(users, words.one, words.many)}, about ${percent(mean, 0)} on average`
        : 'Nobody was scored',
    read: `Bars: how many ${words.many} of this run (up) got which probability to ${words.will} (right). The mean should be near the rate that is usual for this shop.`,
    worry:
      'everyone sits in one bar: the model tells nobody apart. Or the shape is quite another than last night with like data.',
  };
  if (!(users > 0)) return figure(text, nothing('No users to count.'));
  const chart = draw(`Histogram of ${count(users)} scores`, {
    x: { label: 'probability', ticks: 5, tickFormat: tickPercent },
    y: {
      label: words.many,
      grid: true,
      ticks: Math.min(4, most),
      nice: true,
      tickFormat: (n: number) => count(n),
    },
    marks: [
      Plot.rectY(bins, { x1: 'from', x2: 'to', y: 'n', fill: ACCENT, insetLeft: 0.75, insetRight: 0.75 }),
    ],
  });
  return figure(text, chart);
}
