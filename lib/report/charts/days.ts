import * as Plot from '@observablehq/plot';
import { DAY_MS, formatDay, parseDay } from '../../data/index.ts';
import { clip, count, isNumber, plural } from '../format.ts';
import type { Html } from '../html.ts';
import type { QualityReport } from '../types.ts';
import { ACCENT, draw, figure } from './draw.ts';

/** More bars than this are no longer told apart at the width of a card. */
const MAX_BARS = 110;

type Days = ReadonlyMap<number, number>;

/** One small chart for each event type, the most frequent first, all over the same span of days. */
export function dayFigures(days: QualityReport['days']): Html[] {
  const types = byType(days);
  const all = [...types.values()].flatMap((rows) => [...rows.keys()]);
  if (all.length === 0) return [];
  const first = all.reduce((a, b) => Math.min(a, b));
  const last = all.reduce((a, b) => Math.max(a, b));
  return [...types]
    .map(([type, rows]) => ({ type, rows, total: [...rows.values()].reduce((a, b) => a + b, 0) }))
    .sort((a, b) => b.total - a.total)
    .map((entry) => dayFigure(entry.type, entry.rows, entry.total, first, last));
}

function dayFigure(type: string, rows: Days, total: number, first: number, last: number): Html {
  const span = last - first + 1;
  const width = span <= MAX_BARS ? 1 : Math.ceil(span / MAX_BARS / 7) * 7;
  const gap = longestGap(rows);
  const bins = binned(rows, last, width);
  const most = bins.reduce((peak, bin) => Math.max(peak, bin.n), 0);
  const chart = draw(`Rows of ${type} from ${formatDay(first)} to ${formatDay(last)}`, {
    height: 190,
    x: {
      type: 'utc',
      label: null,
      domain: [first * DAY_MS, (last + 1) * DAY_MS],
      ticks: span <= 7 ? 'day' : 4,
    },
    y: { label: 'rows', grid: true, ticks: Math.min(4, most), nice: true, tickFormat: short(most) },
    marks: [
      Plot.rectY(bins, {
        x1: (bin: Bin) => Math.max(bin.from, first) * DAY_MS,
        x2: (bin: Bin) => (bin.from + width) * DAY_MS,
        y: 'n',
        fill: ACCENT,
        insetRight: 0.5,
      }),
    ],
  });
  return figure(
    {
      title: `Rows by day: ${clip(type, 30)}`,
      lead: `${count(total)} rows on ${plural(rows.size, 'day', 'days')}`,
      read: `${width === 1 ? 'Each bar is a day' : `Each bar is ${width} days, counted back from the last, so that the first may hold fewer`}, ${formatDay(first)} to ${formatDay(last)}. ${gap}`,
      worry:
        'there is a hole or a step that the shop cannot explain: a drop may be missing or have come twice.',
    },
    chart,
  );
}

function byType(days: QualityReport['days']): Map<string, Map<number, number>> {
  const types = new Map<string, Map<number, number>>();
  for (const { day, rows } of days) {
    const at = parseDay(day);
    for (const [type, n] of Object.entries(rows)) {
      if (!isNumber(n) || n <= 0) continue;
      const counted = types.get(type) ?? new Map<number, number>();
      counted.set(at, (counted.get(at) ?? 0) + n);
      types.set(type, counted);
    }
  }
  return types;
}

interface Bin {
  readonly from: number;
  readonly n: number;
}

/** Bins of `width` days, the last of which ends with the last day, so that a part of a bin stands at the start. */
function binned(rows: Days, last: number, width: number): Bin[] {
  const bins = new Map<number, number>();
  for (const [day, n] of rows) {
    const from = last + 1 - width * (Math.floor((last - day) / width) + 1);
    bins.set(from, (bins.get(from) ?? 0) + n);
  }
  return [...bins].map(([from, n]) => ({ from, n })).sort((a, b) => a.from - b.from);
}

function longestGap(rows: Days): string {
  const days = [...rows.keys()].sort((a, b) => a - b);
  let [start, length] = [0, 0];
  for (const [i, day] of days.entries()) {
    const before = days[i - 1];
    if (before !== undefined && day - before - 1 > length) [start, length] = [before + 1, day - before - 1];
  }
  if (length === 0) return 'No day between the first and the last is without rows.';
  if (length === 1) return 'The longest stretch without rows is a single day.';
  return `The longest stretch without rows: ${formatDay(start)} to ${formatDay(start + length - 1)}, ${length} days.`;
}

/** Ticks of an axis that ends near `most`, in one unit, since there is little room: '120k', not '120,000'. */
function short(most: number): (n: number) => string {
  const [unit, name] = most >= 2e6 ? [1e6, 'M'] : most >= 1e4 ? [1e3, 'k'] : [1, ''];
  return (n) => {
    return n === 0 ? '0' : `${unit === 1 ? count(n) : Number((n / unit).toFixed(1))}${name}`;
  };
}
