import type { GateSettings } from '../../config/index.ts';
import type { Figure, VersionRecord } from '../../registry/index.ts';
import { leadingMeasure } from '../figures.ts';
import { type GateCheck, isTooGood } from './checks.ts';

/** A measure that falls by more than this share is no luck of another season, if the intervals lie apart, too. */
const FALL = 0.2;

/**
 * What the trainings of two versions said of themselves, each on rows that it held out: other rows, mostly of other days. So
 * only what is plain to see counts.
 */
export function heldOutChecks(
  challenger: VersionRecord['figures'],
  champion: VersionRecord['figures'] | undefined,
  tasks: readonly string[],
  { tooGood }: GateSettings,
): GateCheck[] {
  return tasks.flatMap((task): GateCheck[] => {
    const [own, before] = [challenger[task], champion?.[task]];
    const name = own && before && leadingMeasure(own, before);
    if (!name) return [];
    const [now, then] = [own[name]!, before[name]!];
    const apart = isBelow(now, then) && now.value < (1 - FALL) * then.value;
    const leaps = name === 'auroc' && isBelow(then, now) && isTooGood(now.value, then.value, tooGood);
    const said = `${name} on held-out rows of its own ${told(now)}, of the champion's ${told(then)}`;
    const why = leaps ? ': a feature may know the outcome; look at the strongest ones in the report' : '';
    return [{ task, check: leaps ? 'leak' : 'held-out', passed: !apart && !leaps, said: `${said}${why}` }];
  });
}

/** Does the interval of one lie below that of the other? Without intervals nobody knows. */
const isBelow = (low: Figure, high: Figure): boolean =>
  low.interval !== undefined && high.interval !== undefined && low.interval[1] < high.interval[0];

const told = ({ value, interval }: Figure): string =>
  `${value.toFixed(3)}${interval ? ` (${interval[0].toFixed(3)} to ${interval[1].toFixed(3)})` : ''}`;
