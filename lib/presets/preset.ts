import type { ConfigInput } from '../config/index.ts';

/** A source as a config has it, before defaults. */
export type SourceInput = ConfigInput['sources'][string];

/** One kind of file that a preset reads. All that is known of it is data; nothing else treats it in a way of its own. */
export interface Shape {
  /** Which export is meant, as its maker calls it. */
  readonly title: string;
  /** Name of the source in the config. */
  readonly name: string;
  /**
   * The mapping. A csv file's delimiter, quotes and encoding are those of the file at hand; `csv.columns` names the columns of
   * an export that has no header line.
   */
  readonly source: SourceInput;
  /** Columns that tell this export from others, and without which its mapping says nothing. */
  readonly needs: readonly string[];
  /** Column or expression of the currency's code: the most frequent one becomes the shop's. Left out where the file lacks it. */
  readonly currency?: { readonly column: string; readonly expression: string };
  /** Why a setting is as it is, by its path within the source: comments of the config. */
  readonly why: Readonly<Record<string, string>>;
  /** What becomes of refunds, cancelled orders, guests and currencies, in this order: printed, and in the documentation. */
  readonly becomes: Readonly<Record<'refunds' | 'cancelled' | 'guests' | 'currencies', string>>;
}

/** An export of a shop system or an analytics tool, in the shapes in which it comes. */
export interface Preset {
  /** As on the command line. */
  readonly name: string;
  readonly title: string;
  readonly shapes: readonly Shape[];
  /** Columns of a file that is nearly right, and what to do with it. */
  readonly nearly?: { readonly columns: readonly string[]; readonly cure: string };
}
