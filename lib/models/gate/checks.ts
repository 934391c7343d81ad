import type { GateSettings } from '../../config/index.ts';
import { formatDay } from '../../data/index.ts';
import { spearman } from '../../engine/metrics/index.ts';
import type { Difference, PairedMeasures } from './compare.ts';
import type { Sample } from './sample.ts';

/** One thing that was looked at, and how it ended. */
export interface GateCheck {
  readonly task: string;
  /**
   * `quality`: rows whose outcome is known; `group`: the same of a named group; `leak`: better than can be; `scores`: tonight's,
   * beside the champion's; `fails`: it says no finite number; `held-out`: what the trainings said of themselves.
   */
  readonly check: 'quality' | 'group' | 'leak' | 'scores' | 'fails' | 'held-out';
  readonly passed: boolean;
  /** What was found, in a sentence with its figures. */
  readonly said: string;
}

/** Fewer rows, or fewer of either outcome, tell nothing of which version is better. */
export const FEWEST_ROWS = 50;
/** With fewer users whom both score nothing is said of how scores lie. */
const FEWEST_USERS = 50;

/** What the measures of one task, or of a named group in it, say of the challenger. */
export function qualityChecks(
  { task, group, day }: { readonly task: string; readonly group?: string; readonly day: number },
  measures: PairedMeasures,
  { margin, tooGood }: GateSettings,
): GateCheck[] {
  const { n, logLoss, auroc, level } = measures;
  const check = group === undefined ? 'quality' : 'group';
  const of = `${group === undefined ? '' : `${group}: `}`;
  const at = `on ${n.toLocaleString('en-GB')} users as of ${formatDay(day)}`;
  const worse = (
    name: string,
    { challenger, champion, difference, low, high }: Difference,
    bad: boolean,
  ) => ({
    task,
    check: check as GateCheck['check'],
    passed: !bad,
    said: `${of}${name} ${three(challenger)} against ${three(champion)} of the champion ${at} (${signed(difference)}, ${signed(low)} to ${signed(high)})`,
  });
  const checks = [
    worse('log loss', logLoss, logLoss.low > 0 && logLoss.difference > margin * logLoss.champion),
    worse(
      'distance of the mean chance from what happened',
      level,
      level.low > 0 && level.difference > margin,
    ),
  ];
  if (auroc) {
    checks.push(worse('AUROC', auroc, auroc.high < 0 && -auroc.difference > margin));
    const leaps = isTooGood(auroc.challenger, auroc.champion, tooGood);
    if (group === undefined && auroc.low > 0 && leaps) {
      checks.push({
        task,
        check: 'leak',
        passed: false,
        said:
          `AUROC rose from ${three(auroc.champion)} to ${three(auroc.challenger)} at once (${at}): ` +
          'a feature may know the outcome; look at the strongest ones in the report',
      });
    }
  }
  return checks;
}

/** A version that could tell nobody apart is no measure of what can be. */
const TELLS_APART = 0.55;
const NEARLY_ALL = 0.98;

/** Is an AUROC higher than such a step can be honest? */
export const isTooGood = (now: number, then: number, bound: number): boolean =>
  now - then > bound && (then >= TELLS_APART || now >= NEARLY_ALL);

/** How tonight's scores of the challenger lie beside the champion's. */
export function scoreChecks(
  challenger: Sample,
  champion: Sample | undefined,
  settings: GateSettings,
): GateCheck[] {
  const numbers = [...challenger.numbers].flatMap(([task, own]) =>
    classesOf(challenger, task) === classesOf(champion ?? challenger, task)
      ? numberChecks(task, own, champion?.numbers.get(task), settings, challenger.classes.has(task))
      : [
          {
            task,
            check: 'scores' as const,
            passed: true,
            said: `it tells other classes (${classesOf(challenger, task)}) than the champion, so the scores of the two are not compared`,
          },
        ],
  );
  const lists = [...challenger.lists].flatMap(([task, own]) =>
    listChecks(task, own, champion?.lists.get(task)),
  );
  return [...numbers, ...lists];
}

const classesOf = ({ classes }: Sample, task: string): string => classes.get(task)?.join(', ') ?? '';

function numberChecks(
  task: string,
  own: Float64Array,
  before: Float64Array | undefined,
  { shift, order }: GateSettings,
  ofClasses: boolean,
): GateCheck[] {
  const check = (passed: boolean, said: string): GateCheck => ({ task, check: 'scores', passed, said });
  const asked = Array.from(own.keys()).filter((i) => !Number.isNaN(own[i]!));
  if (!before) {
    if (asked.length < FEWEST_USERS) return [];
    // Without a champion there is nobody else to score: it is said, and does not hinder.
    return isConstant(asked.map((i) => own[i]!)) ? [check(true, 'all users have the same score')] : [];
  }
  const both = asked.filter((i) => !Number.isNaN(before[i]!));
  const left = before.filter((value, i) => !Number.isNaN(value) && Number.isNaN(own[i]!)).length;
  const checks = left > 0 ? [check(false, `no score for ${left} users whom the champion scores`)] : [];
  if (both.length < FEWEST_USERS) return checks;
  const [a, b] = [both.map((i) => own[i]!), both.map((i) => before[i]!)];
  if (isConstant(a)) {
    const said = 'all users have the same score';
    return [
      ...checks,
      check(
        isConstant(b),
        isConstant(b) ? `${said}, as of the champion` : `${said}; those of the champion differ`,
      ),
    ];
  }
  // Chances of classes have one mean, whatever they say.
  if (!ofClasses) {
    const [mean, former] = [meanOf(a), meanOf(b)];
    const factor = timesOf(a, b);
    checks.push(
      check(
        factor === undefined || (factor <= shift && factor >= 1 / shift),
        `tonight's mean score of ${both.length.toLocaleString('en-GB')} users is ${three(mean)}, of the champion ${three(former)}` +
          (factor === undefined ? '' : ` (${factor.toFixed(2)} times${areChances(a, b) ? ' the odds' : ''})`),
      ),
    );
  }
  if (!isConstant(b)) {
    const rank = spearman(b, a);
    checks.push(
      check(
        rank >= order,
        `rank correlation with the champion's scores ${rank.toFixed(2)} (at least ${order})`,
      ),
    );
  }
  return checks;
}

function listChecks(
  task: string,
  own: readonly (string | null)[],
  before: readonly (string | null)[] | undefined,
): GateCheck[] {
  if (!before) return [];
  const said = (lists: readonly (string | null)[]) => ({
    listed: lists.filter((one) => one !== null).length,
    different: new Set(lists.map((one) => one && namesOf(one))).size,
  });
  const [now, then] = [said(own), said(before)];
  if (then.listed < FEWEST_USERS) return [];
  return [
    {
      task,
      check: 'scores',
      passed:
        2 * now.listed >= then.listed && 2 * now.different >= Math.min(then.different, 2 * FEWEST_USERS),
      said:
        `${now.listed.toLocaleString('en-GB')} users have a list, ${now.different.toLocaleString('en-GB')} different ones; ` +
        `by the champion ${then.listed.toLocaleString('en-GB')} and ${then.different.toLocaleString('en-GB')}`,
    },
  ];
}

const namesOf = (list: string): string =>
  (JSON.parse(list) as { readonly name: string }[]).map(({ name }) => name).join('\n');

function isConstant(values: readonly number[]): boolean {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  return values.every((value) => value - low <= 1e-9 * Math.max(1, Math.abs(low)));
}

/** By what factor the mean of scores differs: of chances that of the odds. Undefined where there is none. */
function timesOf(a: readonly number[], b: readonly number[]): number | undefined {
  const [mean, former] = [meanOf(a), meanOf(b)];
  if (mean <= 0 || former <= 0) return undefined;
  if (!areChances(a, b)) return mean / former;
  return mean / (1 - mean) / (former / (1 - former));
}

const areChances = (...all: readonly (readonly number[])[]): boolean =>
  all.every((values) => values.every((value) => value > 0 && value < 1));

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const three = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3));
const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`;
