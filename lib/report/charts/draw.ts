import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { escapeHtml, type Html, html, raw } from '../html.ts';

/** Drawn at the width of a card, so that the text has its own size in three columns and on a telephone alike. */
export const WIDTH = 330;

/** Colours are variables of the page's style sheet: one drawing serves light, dark and print. */
export const INK = 'var(--ink)';
export const MUTED = 'var(--muted)';
export const ACCENT = 'var(--accent)';
export const ACCENT_SOFT = 'var(--accent-soft)';
export const SECOND = 'var(--second)';
export const SURFACE = 'var(--surface)';

export const DASHES = '4,4';

/** Axis text of shares: no '0.1 %' steps, the axis is only for orientation. */
export function tickPercent(share: number): string {
  return `${Number((share * 100).toFixed(1))}%`;
}

/**
 * Draws marks to a static SVG (Observable Plot on a linkedom document). `label` is what a screen reader says in place
 * of the picture. The style sheet and sizes that Plot adds are the page's job and are left out.
 */
export function draw(label: string, options: Plot.PlotOptions): Html {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const { width = WIDTH, height = 250 } = options;
  const svg = Plot.plot({
    marginLeft: 46,
    marginRight: 20,
    marginTop: 28,
    marginBottom: 40,
    ...options,
    width,
    height,
    document,
  });
  for (const style of svg.querySelectorAll('style')) style.remove();
  for (const element of svg.querySelectorAll('*')) tidy(element);
  const box = `0 0 ${width} ${height}`;
  return raw(
    `<svg class="chart" viewBox="${box}" role="img" aria-label="${escapeHtml(label)}" text-anchor="middle" fill="currentColor">${svg.innerHTML}</svg>`,
  );
}

const GEOMETRY = ['d', 'transform', 'x', 'y', 'x1', 'x2', 'y1', 'y2', 'cx', 'cy', 'r', 'width', 'height'];

/** Inside an image, labels of parts are not read out; a tenth of a pixel is as fine as anyone sees. */
function tidy(element: Element): void {
  for (const name of ['aria-label', 'aria-description', 'aria-hidden']) element.removeAttribute(name);
  for (const name of GEOMETRY) {
    const value = element.getAttribute(name);
    if (value === null) continue;
    element.setAttribute(
      name,
      value.replace(/-?\d+\.\d{2,}/g, (digits) => String(Number(Number(digits).toFixed(1)))),
    );
  }
}

export interface FigureText {
  readonly title: string;
  /** The one number of this figure, in words. */
  readonly lead?: string;
  /** What is drawn, and how to read it. */
  readonly read?: string;
  /** When to worry. */
  readonly worry?: string;
}

/** A titled card around a chart or table, with the sentences that say how to read it. */
export function figure(text: FigureText, body: Html): Html {
  return html`<figure class="card">
<h4>${text.title}</h4>${text.lead !== undefined && html`<p class="lead">${text.lead}</p>`}
${body}
${
  text.read !== undefined &&
  html`<figcaption><p>${text.read}</p>${text.worry !== undefined && html`<p class="worry"><b>Worry when</b> ${text.worry}</p>`}</figcaption>`
}
</figure>
`;
}

/** Stands where a chart would, with the reason why there is none. */
export function nothing(why: string): Html {
  return html`<p class="nothing">${why}</p>`;
}

/** Names of line colours, above a chart of several lines. */
export function keys(
  entries: readonly { readonly name: string; readonly kind: 'main' | 'second' | 'dashed' | 'thin' }[],
): Html {
  return html`<p class="keys">${entries.map(
    ({ name, kind }) => html`<span class="key"><i class="swatch ${kind}"></i>${name}</span> `,
  )}</p>`;
}
