import { MetricError } from './errors.ts';

/** How many lists name a thing, and what it is. */
export interface Listed {
  readonly places: number;
  /** Share of all that was taken before: its popularity, above 0. */
  readonly share: number;
}

/** How far lists reach into a catalogue. Null where nothing was listed. */
export interface LongTail {
  /** Share of the catalogue that stands in at least one list. */
  readonly coverage: number | null;
  /** Of places over the whole catalogue: 0 where everything stands in as many lists, 1 where one thing stands in all. */
  readonly gini: number | null;
  /** Mean over places of -log2 of the popularity of what stands there, in bits. */
  readonly novelty: number | null;
}

/**
 * Coverage (Herlocker et al. 2004, section 4.2), the Gini coefficient of places (Fleder and Hosanagar 2009, section 4) and
 * novelty as mean self-information (Zhou et al. 2010).
 * @param listed what stands in lists, in any order
 * @param catalogue how many things there are, those in no list among them
 * @throws MetricError where more is listed than there is, or a popularity is not in (0, 1]
 */
export function longTail(listed: readonly Listed[], catalogue: number): LongTail {
  if (listed.length > catalogue) {
    throw new MetricError(
      `${listed.length} things are listed of a catalogue of ${catalogue}: it must hold all of them`,
    );
  }
  const ascending = listed.map(({ places }) => places).sort((a, b) => a - b);
  const total = ascending.reduce((sum, places) => sum + places, 0);
  if (total === 0) return { coverage: null, gini: null, novelty: null };
  const unlisted = catalogue - listed.length;
  let weighted = 0;
  ascending.forEach((places, i) => {
    weighted += (2 * (unlisted + i + 1) - catalogue - 1) * places;
  });
  let bits = 0;
  // In a fixed order, so that the sum is the same whatever order things were counted in.
  for (const { places, share } of [...listed].sort((a, b) => a.share - b.share || a.places - b.places)) {
    if (!(share > 0 && share <= 1)) {
      throw new MetricError(`a popularity is ${share}: it is a share above 0 and up to 1`);
    }
    bits -= places * Math.log2(share);
  }
  return { coverage: listed.length / catalogue, gini: weighted / (catalogue * total), novelty: bits / total };
}
