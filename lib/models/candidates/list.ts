import type { Candidate } from './candidate.ts';
import { linear, mlp, NetworkCandidate, TunedCandidate, texts, visits } from './network/index.ts';

const plain = new NetworkCandidate('linear', [linear]);
const wide = new NetworkCandidate('linear + MLP', [linear, mlp]);
const withVisits = new NetworkCandidate('linear + MLP + sequence', [linear, mlp, visits], wide);
const withTexts = new NetworkCandidate('linear + MLP + text', [linear, mlp, texts], wide);
const withBoth = new NetworkCandidate(
  'linear + MLP + sequence + text',
  [linear, mlp, visits, texts],
  withTexts,
);

/**
 * The forms of model that are compared, in this order, for tasks over users and for labelled tables alike: each is tried
 * where the material holds what it reads. A new one is a file of its own and a line here.
 */
export const CANDIDATES: readonly Candidate[] = [
  plain,
  wide,
  withVisits,
  withTexts,
  withBoth,
  new TunedCandidate('linear + MLP + tuned text', withTexts),
  new TunedCandidate('linear + MLP + sequence + tuned text', withBoth),
];
