import * as Plot from '@observablehq/plot';
import { clip, columns, count, plain } from '../format.ts';
import type { Html } from '../html.ts';
import { html } from '../html.ts';
import type { DemandTaskReport } from '../task-types.ts';
import { ACCENT, ACCENT_SOFT, draw, INK, keys, nothing, SECOND, WIDTH } from './draw.ts';

type Item = DemandTaskReport['top'][number];

const ROW = 36;
/** Columns of print in a row, which a name shares with its value. */
const COLUMNS = 42;

/** What is expected of each item, its interval, and what came where that is known; in the order given. */
export function forecastChart(label: string, items: readonly Item[], none: string): Html {
  if (items.length === 0) return nothing(none);
  const rows = items.map((item, place) => ({ ...item, place, shown: shownOf(item) }));
  const most = Math.max(...rows.map(({ high, units, real = 0 }) => Math.max(high, units, real)));
  const known = rows.filter(({ real }) => real !== undefined);
  const chart = draw(label, {
    height: rows.length * ROW + 4,
    marginTop: 0,
    marginBottom: 4,
    marginLeft: 6,
    marginRight: 6,
    x: { axis: null, domain: [0, most > 0 ? most : 1] },
    y: { axis: null, type: 'band', padding: 0 },
    marks: [
      Plot.barX(rows, {
        y: 'place',
        x1: 'low',
        x2: 'high',
        fill: ACCENT_SOFT,
        insetTop: 22,
        insetBottom: 6,
        rx: 3,
      }),
      Plot.dot(rows, { y: 'place', x: 'units', dy: 8, r: 4, fill: ACCENT }),
      Plot.tickX(known, {
        y: 'place',
        x: 'real',
        stroke: SECOND,
        strokeWidth: 2.5,
        insetTop: 19,
        insetBottom: 3,
      }),
      Plot.text(rows, {
        y: 'place',
        frameAnchor: 'left',
        dy: -7,
        fill: INK,
        text: (row: Item & { shown: string }) => clip(nameOf(row), COLUMNS - columns(row.shown)),
        title: (row: Item & { shown: string }) => `${plain(nameOf(row))}: ${row.shown}`,
      }),
      Plot.text(rows, { y: 'place', frameAnchor: 'right', dy: -7, text: 'shown' }),
    ],
    width: WIDTH,
  });
  return html`${keys([
    { name: 'expected, with the interval of 80\u00a0%', kind: 'main' },
    ...(known.length > 0 ? [{ name: 'came', kind: 'second' as const }] : []),
  ])}${chart}`;
}

/** The shop's name of an item beside its id. */
export const nameOf = ({ item, label }: Pick<Item, 'item' | 'label'>): string =>
  label === undefined || label === item ? item : `${label} (${item})`;

const shownOf = ({ units, real }: Item): string =>
  real === undefined ? count(units) : `${count(units)}, came ${count(real)}`;
