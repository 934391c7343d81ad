import { decimal } from '../format.ts';
import { type Html, html, type Part } from '../html.ts';
import type { Interval } from '../measure-types.ts';

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Part;
  /** Numbers stand right-aligned. */
  readonly number?: boolean;
  /** Under the last row. */
  readonly total?: string;
}

/** A table that scrolls inside its own box when it is wider than the page; `caption`
 * stands outside of that box and names it to screen readers. */
export function table<Row>(caption: string, rows: readonly Row[], columns: readonly Column<Row>[]): Html {
  const kind = (column: Column<Row>) => (column.number === true ? 'num' : 'long');
  const foot = columns.some((column) => column.total !== undefined);
  return html`<p class="caption">${caption}</p>
<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table>
<thead><tr>${columns.map((column) => html`<th scope="col" class="${kind(column)}">${column.head}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) => html`<tr>${columns.map((column, i) =>
      i === 0
        ? html`<th scope="row" class="${kind(column)}">${column.cell(row)}</th>`
        : html`<td class="${kind(column)}">${column.cell(row)}</td>`,
    )}</tr>
`,
  )}</tbody>${
    foot &&
    html`<tfoot><tr>${columns.map((column) => html`<td class="${kind(column)}">${column.total ?? ''}</td>`)}</tr></tfoot>`
  }
</table></div>`;
}

/** A measure with its interval behind it. */
export function withInterval(value: number | null, interval: Interval, digits: number): Html {
  return html`${decimal(value, digits)}${
    interval !== null &&
    html` <span class="muted interval">${decimal(interval[0], digits)} to ${decimal(interval[1], digits)}</span>`
  }`;
}

export interface Tile {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  /** The note is a warning. */
  readonly bad?: boolean;
}

/** Figures in a row, each with a line that says what it means. */
export function tiles(entries: readonly Tile[], kind = ''): Html {
  return html`<div class="tiles ${kind}">${entries.map(
    (
      tile,
    ) => html`<div class="tile"><p class="name">${tile.name}</p><p class="value">${tile.value}</p><p class="note${tile.bad === true ? ' bad' : ''}">${tile.note}</p></div>
`,
  )}</div>
`;
}
