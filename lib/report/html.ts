import { plain } from './format.ts';

/** Markup that is already safe to stand in a page. Made by `html` or, for what we wrote ourselves, by `raw`. */
export interface Html {
  readonly markup: string;
}

/** Numbers are missing on purpose: they have to pass through a formatter. */
export type Part = string | Html | readonly Html[] | false | undefined;

/** Text for element content and quoted attributes. */
export function escapeHtml(text: string): string {
  return plain(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Marks our own markup (style sheet, drawn charts) as safe. Never for text from data. */
export function raw(markup: string): Html {
  return { markup };
}

/**
 * Template tag that escapes every interpolated text, so that forgetting to escape is not possible: names in a report
 * come from files of other people.
 */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let markup = literals[0] ?? '';
  for (const [i, part] of parts.entries()) markup += render(part) + (literals[i + 1] ?? '');
  return { markup };
}

function render(part: Part): string {
  if (part === undefined || part === false) return '';
  if (typeof part === 'string') return escapeHtml(part);
  return 'markup' in part ? part.markup : part.map(render).join('');
}
