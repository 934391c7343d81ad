import * as Plot from '@observablehq/plot';
import { clip, columns, isNumber, plain } from '../format.ts';
import type { Html } from '../html.ts';
import { ACCENT, draw, INK, nothing, WIDTH } from './draw.ts';

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** What is written at the end of the row. */
  readonly shown: string;
}

const ROW = 32;
/** Columns of print in a row, which a name shares with its value. */
const COLUMNS = 42;

/**
 * Horizontal bars in the order given, each name above its bar: names of any length stay readable on a telephone.
 * A full bar is `whole` where the bars are parts of one, else the largest value.
 */
export function bars(label: string, rows: readonly Bar[], none: string, whole = 0): Html {
  const drawn = rows.filter((row) => isNumber(row.value)).map((row, place) => ({ ...row, place }));
  if (drawn.length === 0) return nothing(none);
  const low = Math.min(0, ...drawn.map((row) => row.value));
  const high = Math.max(whole, ...drawn.map((row) => row.value));
  return draw(label, {
    height: drawn.length * ROW + 4,
    marginTop: 0,
    marginBottom: 4,
    marginLeft: 1,
    marginRight: 1,
    x: { axis: null, domain: [low, high > low ? high : low + 1] },
    y: { axis: null, type: 'band', padding: 0 },
    marks: [
      Plot.barX(drawn, {
        y: 'place',
        x1: low,
        x2: high,
        fill: 'var(--track)',
        insetTop: 21,
        insetBottom: 5,
        rx: 3,
      }),
      Plot.barX(drawn, { y: 'place', x: 'value', fill: ACCENT, insetTop: 21, insetBottom: 5, rx: 3 }),
      Plot.text(drawn, {
        y: 'place',
        frameAnchor: 'left',
        dy: -5,
        fill: INK,
        text: (row: Bar) => clip(row.name, COLUMNS - columns(row.shown)),
        title: (row: Bar) => `${plain(row.name)}: ${row.shown}`,
      }),
      Plot.text(drawn, { y: 'place', frameAnchor: 'right', dy: -5, text: 'shown' }),
    ],
    width: WIDTH,
  });
}
