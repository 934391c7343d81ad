import { createRng } from '../../../lib/engine/host/index.ts';

/** What is known of one row of a trial, and the effects that it was made with. */
export interface TrialRow {
  readonly recency: number;
  readonly history: number;
  readonly mens: number;
  readonly womens: number;
  readonly zip: string;
  readonly newbie: number;
  readonly channel: string;
  readonly segment: string;
  readonly visit: number;
  readonly conversion: number;
  readonly spend: number;
  /** Of the womens' mail and of the mens' mail on the chance of a visit. */
  readonly effect: { readonly womens: number; readonly mens: number };
}

export const ARMS = ['Mens E-Mail', 'Womens E-Mail', 'No E-Mail'] as const;

export interface TrialOptions {
  readonly seed?: string;
  /** Factor of all effects; 0: the mails change nothing. */
  readonly strength?: number;
  /** Who bought lately is mailed more often: no chance. */
  readonly chosen?: boolean;
}

/** Rows of a mailing in three arms, of the shape of the public e-mail challenge, with known effects of the mails on visits. */
export function trialRows(n: number, options: TrialOptions = {}): TrialRow[] {
  const { seed = 'trial', strength = 1, chosen = false } = options;
  const rng = createRng(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(rng.uniform() * of.length)]!;
  return Array.from({ length: n }, () => {
    const recency = 1 + Math.floor(rng.uniform() * 12);
    const history = Math.round(100 * (30 + 250 * rng.uniform() ** 3 * 4)) / 100;
    const womens = Number(rng.uniform() < 0.55);
    const mens = womens === 0 || rng.uniform() < 0.2 ? 1 : 0;
    const newbie = Number(rng.uniform() < 0.5);
    const zip = pick(['Urban', 'Surburban', 'Rural']);
    const channel = pick(['Web', 'Phone', 'Multichannel']);
    const segment = chosen && recency <= 4 && rng.uniform() < 0.7 ? ARMS[1] : pick(ARMS);
    const base = 0.08 + 0.1 * (1 - recency / 12) + 0.04 * (channel === 'Web' ? 1 : 0);
    const effect = {
      womens: strength * (womens === 1 ? 0.16 : 0.02) * (newbie === 1 ? 0.6 : 1.2),
      mens: strength * (0.04 + 0.04 * mens),
    };
    const treated = segment === 'Womens E-Mail' ? effect.womens : segment === 'Mens E-Mail' ? effect.mens : 0;
    const visit = Number(rng.uniform() < base + treated);
    const conversion = visit === 1 && rng.uniform() < 0.3 ? 1 : 0;
    const spend = conversion === 1 ? Math.round(100 * (29.99 + 80 * rng.uniform())) / 100 : 0;
    return {
      recency,
      history,
      mens,
      womens,
      zip,
      newbie,
      channel,
      segment,
      visit,
      conversion,
      spend,
      effect,
    };
  });
}

/** The file that a shop would drop. */
export const trialCsv = (rows: readonly TrialRow[]): string =>
  [
    'recency,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,spend',
    ...rows.map((row) =>
      [
        ...[row.recency, row.history, row.mens, row.womens, row.zip, row.newbie, row.channel],
        ...[row.segment, row.visit, row.conversion, row.spend],
      ].join(','),
    ),
    '',
  ].join('\n');
