import { count, decimal, isNumber, percent } from '../format.ts';
import type { Html } from '../html.ts';
import type { BinaryEvaluation, NextEvaluation, NextTaskReport } from '../types.ts';
import { type Tile, tiles } from './table.ts';

/** An AUROC this near to 1 is rarely honest on what people do. */
const TOO_GOOD = 0.98;
/** Below this a ranking is, for use, a coin. */
const CHANCE = 0.52;
/** Mean gap between said and happened from which probabilities should not be used as such. */
const MISCALIBRATED = 0.1;

/** The measures of a task of two outcomes, each with its yardstick in plain words. */
export function binaryMeasures(evaluation: BinaryEvaluation): Html {
  const { auroc, auprc, baseRate, logLoss, brier, ece, lift10, f1, confusion } = evaluation;
  return tiles(
    [
      aurocTile(auroc),
      judged({
        name: 'AUPR (average precision)',
        value: decimal(auprc),
        yardstick: `A list in random order gets the base rate, ${decimal(baseRate)}.`,
        bad:
          isNumber(auprc) &&
          isNumber(baseRate) &&
          baseRate < 1 &&
          auprc <= baseRate &&
          'No better than a random order.',
      }),
      judged({
        name: 'Log loss (lower is better)',
        value: decimal(logLoss),
        yardstick: `Saying the base rate to everyone gets ${decimal(entropy(baseRate))}.`,
        bad: exceeds(logLoss, entropy(baseRate)) && 'Worse than saying the base rate to everyone.',
      }),
      judged({
        name: 'Brier score (lower is better)',
        value: decimal(brier),
        yardstick: `Saying the base rate to everyone gets ${decimal(variance(baseRate))}.`,
        bad: exceeds(brier, variance(baseRate)) && 'Worse than saying the base rate to everyone.',
      }),
      judged({
        name: 'ECE (lower is better)',
        value: decimal(ece),
        yardstick: `On average a probability is off by ${points(ece)}.`,
        bad:
          exceeds(ece, MISCALIBRATED) &&
          `Off by ${points(ece)} on average: use the order, not the probabilities.`,
      }),
      judged({
        name: 'Lift in the top tenth',
        value: isNumber(lift10) ? `${decimal(lift10, 2)}×` : decimal(lift10),
        yardstick: `Among the tenth with the highest scores, so many times the base rate of ${percent(baseRate)}.`,
        bad:
          isNumber(lift10) &&
          isNumber(baseRate) &&
          baseRate < 1 &&
          lift10 <= 1 &&
          'The top tenth is no better than the average.',
      }),
      {
        name: `F1 at ${decimal(confusion.threshold, 2)}`,
        value: decimal(f1),
        note: `Precision ${percent(ratio(confusion.tp, confusion.fp))}, recall ${percent(ratio(confusion.tp, confusion.fn))} at this threshold.`,
      },
      {
        name: 'Base rate',
        value: percent(baseRate),
        note: 'Share of the users compared who did it. All measures have to be read against it.',
      },
    ],
    'measures',
  );
}

function aurocTile(auroc: BinaryEvaluation['auroc']): Tile {
  return judged({
    name: 'AUROC',
    value: decimal(auroc),
    yardstick: isNumber(auroc)
      ? `Of one user who did and one who did not, the first has the higher score ${percent(auroc, 0)} of the time. A coin: 50\u00a0%.`
      : 'Not defined: it takes users of both outcomes.',
    bad:
      isNumber(auroc) &&
      ((auroc < CHANCE && 'No better than tossing a coin.') ||
        (auroc > TOO_GOOD && 'Almost too good: look for something from the future among the features.')),
  });
}

/** The measures of lists of K. */
export function nextMeasures(task: NextTaskReport, evaluation: NextEvaluation): Html {
  const { n, recall, ndcg, popular } = evaluation;
  const against = (own: typeof recall, other: typeof recall | undefined, meaning: string) => ({
    yardstick: isNumber(other)
      ? `${meaning} One list of the most popular for everyone gets ${decimal(other)}.`
      : meaning,
    bad: exceeds(other, own) && `Worse than one list of the most popular for everyone, ${decimal(other)}.`,
  });
  return tiles(
    [
      judged({
        name: `Recall at ${task.k.toFixed(0)}`,
        value: decimal(recall),
        ...against(recall, popular?.recall, 'Share of what users really chose that stood in their list.'),
      }),
      judged({
        name: `NDCG at ${task.k.toFixed(0)}`,
        value: decimal(ndcg),
        ...against(
          ndcg,
          popular?.ndcg,
          'The same, counting hits near the top of the list for more; 1 is a perfect list.',
        ),
      }),
      {
        name: 'Users compared',
        value: count(n),
        note: 'Those whose list is held against what they then chose.',
      },
    ],
    'measures',
  );
}

function judged(tile: {
  readonly name: string;
  readonly value: string;
  readonly yardstick: string;
  readonly bad: string | false;
}): Tile {
  return tile.bad === false
    ? { name: tile.name, value: tile.value, note: tile.yardstick }
    : { name: tile.name, value: tile.value, note: tile.bad, bad: true };
}

type Maybe = number | null | undefined;

function exceeds(value: Maybe, bound: Maybe): boolean {
  return isNumber(value) && isNumber(bound) && value > bound;
}

/** Log loss of the base rate said to everyone, in nats. */
function entropy(rate: Maybe): number | null {
  if (!isNumber(rate) || rate < 0 || rate > 1) return null;
  const part = (p: number) => (p === 0 ? 0 : -p * Math.log(p));
  return part(rate) + part(1 - rate);
}

/** Brier score of the base rate said to everyone. */
function variance(rate: Maybe): number | null {
  return isNumber(rate) ? rate * (1 - rate) : null;
}

function ratio(part: number, rest: number): number | null {
  return part + rest > 0 ? part / (part + rest) : null;
}

function points(share: Maybe): string {
  return isNumber(share) ? `${decimal(share * 100, 1)} percentage points` : decimal(share);
}
