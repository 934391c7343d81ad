import { type Config, MODEL_FAMILIES } from '../../config/index.ts';
import { ConfigError } from '../../data/index.ts';
import type { Candidate } from './candidate.ts';
import {
  broughtVisits,
  linear,
  mlp,
  NetworkCandidate,
  TunedCandidate,
  texts,
  visits,
} from './network/index.ts';
import {
  BgNbdCandidate,
  LinearCandidate,
  LogisticCandidate,
  PriorsCandidate,
  TreesCandidate,
} from './tabular/index.ts';
import { TextsCandidate } from './texts/index.ts';

/** Single numbers that a model must beat. */
const RECENCY = /\.recency$/;
const FREQUENCY = /\.active_days$/;
/** Recency, frequency and money: few columns err less where rows are few or the world moves. */
const COMPACT =
  /\.(recency|active_days|money|days_half_(30|90)d|money_half_90d|active_days_(30|90)d|gap_mean|overdue)$/;

const wide = new NetworkCandidate('network', [linear, mlp]);
const withVisits = new NetworkCandidate('network + visits', [linear, mlp, visits], wide);
const withBrought = new NetworkCandidate('network + visits (brought)', [linear, mlp, broughtVisits], wide);
const withTexts = new NetworkCandidate('network + texts', [linear, mlp, texts], wide);
const withBoth = new NetworkCandidate('network + visits + texts', [linear, mlp, visits, texts], withTexts);

/**
 * The forms of model that are compared, in this order, for tasks over users and for labelled tables alike: each is tried
 * where the material holds what it reads. A new one is a file of its own and a line here.
 */
export const CANDIDATES: readonly Candidate[] = [
  new LogisticCandidate({ name: 'recency alone', family: 'floor', by: 'own', only: RECENCY }),
  new LogisticCandidate({ name: 'frequency alone', family: 'floor', by: 'own', only: FREQUENCY }),
  new BgNbdCandidate(),
  new PriorsCandidate(),
  new LogisticCandidate({
    name: 'logistic regression, few features',
    family: 'logistic',
    by: 'own',
    only: COMPACT,
  }),
  new LogisticCandidate({ name: 'logistic regression', family: 'logistic', by: 'own' }),
  new LogisticCandidate({ name: 'logistic regression, overall scale', family: 'logistic', by: 'overall' }),
  new LinearCandidate('multinomial regression', 'one-of'),
  new LinearCandidate('ridge regression', 'number'),
  new TreesCandidate({ name: 'boosted trees', family: 'trees', by: 'own' }),
  new TreesCandidate({ name: 'boosted trees, overall scale', family: 'trees', by: 'overall' }),
  new TreesCandidate({ name: 'random forest', family: 'forest', by: 'own' }),
  wide,
  withVisits,
  withBrought,
  withTexts,
  withBoth,
  new TunedCandidate('network + tuned texts', withTexts, wide),
  new TunedCandidate('network + visits + tuned texts', withBoth, wide),
  new TextsCandidate(),
];

/** Tried where the config says 'auto'. */
const AUTO: readonly unknown[] = ['logistic', 'trees', 'network'];

/**
 * Those of the candidates that a config asks for.
 * @param names instead of the config's families
 * @throws ConfigError for a name that none has
 */
export function offered(
  candidates: readonly Candidate[],
  { model }: Config,
  names?: readonly string[],
): Candidate[] {
  if (names) {
    const unknown = names.find((name) => !candidates.some((one) => name === one.name || name === one.family));
    if (unknown !== undefined) {
      throw new ConfigError(
        `there is no model "${unknown}"; families are ${MODEL_FAMILIES.join(', ')}, models ` +
          candidates.map(({ name }) => `"${name}"`).join(', '),
      );
    }
    return candidates.filter(
      ({ name, family }) =>
        family === 'floor' || names.includes(name) || (family !== undefined && names.includes(family)),
    );
  }
  const named: readonly unknown[] = model.families;
  return candidates.filter(
    ({ family }) =>
      family === undefined ||
      family === 'floor' ||
      named.includes(family) ||
      (named.includes('auto') && AUTO.includes(family)),
  );
}
