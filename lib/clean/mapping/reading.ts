import type { Config, Source } from '../../config/index.ts';
import type { TimeReading } from '../../data/index.ts';
import type { NumberFormat } from './numbers.ts';
import { MISSING } from './texts.ts';

/** How a source's values are read, from its settings and the shop's. */
export interface Reading {
  readonly time: TimeReading;
  readonly number: NumberFormat | undefined;
  /** Texts that stand for no value in columns of ids, times and numbers. */
  readonly missing: readonly string[];
  readonly shop: Config['shop'];
  /** Whether there are so many rows that what costs time once, and spares some for each row, pays. */
  readonly many: boolean;
}

const MANY_ROWS = 20_000;

export function readingOf(source: Source, shop: Config['shop'], rows = 0): Reading {
  return {
    time: {
      zone: source.timeZone ?? shop.timeZone,
      abbreviations: source.timeZones,
      ...(source.epoch && { epoch: source.epoch }),
    },
    number: source.number,
    missing: source.missing ?? MISSING,
    shop,
    many: rows > MANY_ROWS,
  };
}
