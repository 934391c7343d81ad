import { type NamedSource, prefixOf, sourceOf } from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { compareKeys } from '../runtime/index.ts';
import type { KnownDrop } from './inputs.ts';

/**
 * How much of the history of a source is through. It is counted in bytes, as they lie there: one file of years and thirty
 * of a day each are 31 drops, of which 30 would pass for nearly all.
 */
export interface SourceShare {
  readonly source: NamedSource;
  /** From 0 to 1. */
  readonly share: number;
}

/** The sources of which less is through than `nightly.minHistory`, of those drops that are asked about. */
export function shortSources(
  { nightly: { minHistory } }: Pick<Config, 'nightly'>,
  drops: Iterable<HistoryPart>,
): SourceShare[] {
  const sums = new Map<string, { source: NamedSource; known: number; through: number }>();
  for (const { source, size, through } of drops) {
    // No model learns from treatments and from rows without a label.
    if (source.source.table === 'treatments' || source.source.table === 'unlabelled') continue;
    const sum = sums.get(source.name) ?? { source, known: 0, through: 0 };
    sum.known += size;
    if (through) sum.through += size;
    sums.set(source.name, sum);
  }
  return [...sums.values()]
    .map(({ source, known, through }) => ({ source, share: known === 0 ? 1 : through / known }))
    .filter(({ share }) => share < minHistory);
}

/** Bytes of drops of a source, those that a run has or waits for, and whether they are through. */
export interface HistoryPart {
  readonly source: NamedSource;
  readonly size: number;
  readonly through: boolean;
}

/** Parts in the order of their sources' keys, as a listing of their drops has them. */
export const inOrder = (parts: readonly HistoryPart[]): HistoryPart[] =>
  [...parts].sort((a, b) =>
    compareKeys(prefixOf(a.source.name, a.source.source), prefixOf(b.source.name, b.source.source)),
  );

/** What the drops are for the history. Refused ones are none of it: nobody could read them. */
export function* historyOf(config: Config, drops: Iterable<KnownDrop>): Generator<HistoryPart> {
  for (const drop of drops) {
    const source = drop.state === 'refused' ? undefined : sourceOf(config, drop.key);
    if (source) yield { source, size: drop.size, through: drop.state === 'done' };
  }
}

/** Why a run knows too little of the history for its models to serve later nights; undefined where it knows enough. */
export function tooLittleHistory(config: Config, parts: Iterable<HistoryPart>): string | undefined {
  const [first] = shortSources(config, parts);
  return first && `of source ${first.source.name} ${shareText(first, config)}`;
}

/** '12 % of the history is through, and 95 % is needed' */
export function shareText(
  { share }: SourceShare,
  { nightly: { minHistory } }: Pick<Config, 'nightly'>,
): string {
  // Rounded down: what is short must not look as if it were enough.
  return `${Math.floor(share * 100)} % of the history is through, and ${Math.round(minHistory * 100)} % is needed`;
}
