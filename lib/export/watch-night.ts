import { formatDay, parseDay } from '../data/index.ts';
import type { RunManifest } from '../run/index.ts';
import { type ObjectStore, readJson } from '../runtime/index.ts';
import { DayTotals, unusualOn } from '../watch/index.ts';
import { CURRENT_VIEW } from './current.ts';
import type { ExportManifest } from './manifest.ts';

/** Days before the as-of day that are looked at, where no good export has seen them. */
const MOST_DAYS = 7;
/** An export of less than this share of the last good one's rows has lost users. */
const FEWEST_ROWS = 0.5;

/**
 * Looks whether the days that no good export has seen yet are unlike such days before, and whether users are missing.
 * @param days what each shard's users did, as `DayTotals` writes it; none where no user was scored
 * @param rows of the table of users
 */
export async function watchNight(
  store: ObjectStore,
  { asOf, inputs, purpose }: RunManifest,
  days: readonly string[],
  rows: number,
): Promise<Pick<ExportManifest, 'watch'>> {
  if (asOf === null || days.length === 0 || purpose === 'backtest') return {};
  const day = parseDay(asOf);
  const totals = new DayTotals(day);
  for (const own of days) totals.merge(own);
  const shown = await readJson<ExportManifest>(store, CURRENT_VIEW);
  const before = shown && shown.asOf !== 'none' && shown.asOf < asOf ? shown : undefined;
  const first = inputs.events.reduce(
    (least, { minDay = least }) => Math.min(least, minDay),
    Number.POSITIVE_INFINITY,
  );
  const from = Math.max(day - MOST_DAYS, Math.min(day - 1, before ? parseDay(before.asOf) : day - 1));
  const looked = Array.from({ length: day - from }, (_, i) => from + i);
  // What is shown with its findings was accepted: a person released it, or the config only tells.
  const accepted = new Set(shown?.watch?.unusual);
  const unusual = looked
    .flatMap((one) => unusualOn(totals, one, first))
    .map(({ said }) => said)
    .filter((said) => !accepted.has(said));
  return {
    watch: { days: looked.map(formatDay), unusual: [...unusual, ...lost(rows, before)] },
  };
}

function lost(rows: number, before: ExportManifest | undefined): string[] {
  const files = before?.files.filter(({ table }) => table === 'users') ?? [];
  if (!before || files.length === 0) return [];
  // Each format holds all of them.
  const former = files
    .filter(({ format }) => format === files[0]!.format)
    .reduce((sum, file) => sum + file.rows, 0);
  return rows < FEWEST_ROWS * former
    ? [
        `${rows.toLocaleString('en-GB')} users are scored, where the export of ${before.asOf} has ${former.toLocaleString('en-GB')}`,
      ]
    : [];
}
