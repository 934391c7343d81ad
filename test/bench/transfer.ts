import { fixed, table } from '../../bin/commands/shared.ts';
import { formatDay } from '../../lib/data/index.ts';
import { createRng } from '../../lib/engine/host/index.ts';
import { auroc, logLoss, pairedBootstrap } from '../../lib/engine/metrics/index.ts';
import { type Choice, choose } from '../../lib/models/candidates/choose.ts';
import { answeredAlone } from '../../lib/models/candidates/scarce.ts';
import { CANDIDATES, type Candidate, offered, type Trial } from '../../lib/models/index.ts';
import { cutoffGrid, historyStart, trialDays } from '../../lib/models/shared/index.ts';
import { checkUserTasks } from '../../lib/models/users/check.ts';
import { usersTrials } from '../../lib/models/users/select.ts';
import { whole, withFolder } from './support.ts';
import { bring, type Case, openWhole, smallShop, type WholeShop } from './transfer-shop.ts';

/** Users of a small shop, and how many such shops: no user is in two of a size. */
const SIZES: readonly (readonly [size: number, shops: number])[] = [
  [100, 4],
  [300, 3],
  [1000, 1],
];
const STEPS = 1000;

const PLAIN = 'network';
const OWN = 'network + visits';
const BROUGHT = 'network + visits (brought)';
const PRIORS = 'customer base with priors';
const WITHOUT = 'nightjar without either';
const WITH_PRIORS = 'nightjar with priors';
const WITH_BOTH = 'nightjar with priors, encoder named';

/** What each is compared with. */
const ROWS: readonly (readonly [name: string, against: string | null])[] = [
  [PRIORS, WITHOUT],
  [PLAIN, null],
  [OWN, PLAIN],
  [BROUGHT, OWN],
  [WITHOUT, null],
  [WITH_PRIORS, WITHOUT],
  [WITH_BOTH, WITH_PRIORS],
];

/**
 * Does an encoder of visits from another shop help a small one, and do priors? Small shops are users of an example by their
 * hash; everything is fitted as of a day, and judged by what its users then did. The encoder is made from all users of the
 * other example, before its own day.
 * `--retail-day DAY --journey-day DAY`: other days than those that the table of docs/transfer.md is of.
 */
export async function benchTransfer(options: readonly string[] = []): Promise<void> {
  const option = (name: string, usual: string) => {
    const at = options.indexOf(name);
    return at < 0 ? usual : options[at + 1]!;
  };
  const retail: Case = {
    ...{ example: 'online-retail', task: 'purchase30' },
    day: option('--retail-day', '2011-11-09'),
  };
  const journey: Case = {
    ...{ example: 'complete-journey', task: 'purchase' },
    day: option('--journey-day', '2017-12-01'),
  };
  await withFolder(async (folder) => {
    const [a, b] = [await openWhole(retail, folder), await openWhole(journey, folder)];
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const { bytes, loss } = await bring(from, to, STEPS);
      console.log(
        `\n${from.name} -> ${to.name}, ${to.task} within ${to.horizon} days, as of ${formatDay(to.day)}: encoder of ` +
          `${whole(from.known.length)} users before ${formatDay(from.day)}, ${STEPS} steps, last loss ${fixed(loss)}, ${whole(bytes)} bytes`,
      );
      for (const [size, shops] of SIZES) await compare(from, to, size, shops);
    }
  });
}

/** What was said of the users of one small shop, by name. */
interface Judged {
  readonly labels: readonly number[];
  readonly said: ReadonlyMap<string, readonly number[]>;
  readonly positives: readonly [did: number, didNot: number] | null;
  readonly kept: boolean;
}

async function compare(from: WholeShop, to: WholeShop, size: number, shops: number): Promise<void> {
  const started = performance.now();
  const judged: Judged[] = [];
  for (let number = 0; number < shops; number++) judged.push(await judge(from, to, size, number));
  const users = judged.flatMap(({ labels }, shop) => labels.map((label, at) => ({ shop, at, label })));
  const scarce = judged.flatMap(({ positives }) => (positives ? [positives] : []));
  const kept = judged.filter((one) => one.kept).length;
  console.log(
    `\n${shops} shops of ${whole(size)} users: ${whole(users.length)} asked, ${fixed(users.reduce((sum, { label }) => sum + label, 0) / users.length)} did; ` +
      `fewer than 100 of either outcome in ${scarce.length}` +
      `${scarce.length > 0 ? ` (did / did not before: ${scarce.map((pair) => pair.join(' / ')).join(', ')})` : ''}; ` +
      `the encoder was taken in ${kept}; ${((performance.now() - started) / 1000).toFixed(0)} s`,
  );
  const measure = (name: string, metric: Metric) => (drawn: ArrayLike<number>) => {
    const parts = judged.map((): { labels: number[]; chances: number[] } => ({ labels: [], chances: [] }));
    for (let i = 0; i < drawn.length; i++) {
      const { shop, at, label } = users[drawn[i]!]!;
      parts[shop]!.labels.push(label);
      parts[shop]!.chances.push(judged[shop]!.said.get(name)![at]!);
    }
    // Each shop has a model of its own: its measure is taken by itself.
    const each = parts
      .map(({ labels, chances }) => metric(labels, chances))
      .filter((value) => Number.isFinite(value));
    return each.reduce((sum, value) => sum + value, 0) / each.length;
  };
  const all = Int32Array.from(users, (_, i) => i);
  const difference = (name: string, against: string | null, metric: Metric) => {
    if (against === null) return '';
    const found = pairedBootstrap({
      ...{ n: users.length, samples: 500, rng: createRng(3) },
      metricA: measure(name, metric),
      metricB: measure(against, metric),
    });
    return `${fixed(found.difference, 4)} (${fixed(found.low, 4)} to ${fixed(found.high, 4)})`;
  };
  console.log(
    table(
      ['', 'AUROC', 'log loss', 'against', 'AUROC: difference', 'log loss: difference'],
      ROWS.map(([name, against]) => [
        name,
        fixed(measure(name, order)(all), 4),
        fixed(measure(name, logLoss)(all), 4),
        against ?? '',
        difference(name, against, order),
        difference(name, against, logLoss),
      ]),
    ),
  );
}

type Metric = (labels: number[], chances: number[]) => number;

/** Undefined where a resample of a shop has one outcome alone. */
const order: Metric = (labels, chances) =>
  labels.includes(0) && labels.includes(1) ? auroc(labels, chances) : Number.NaN;

async function judge(from: WholeShop, to: WholeShop, size: number, number: number): Promise<Judged> {
  const users = smallShop(to, size, number);
  const at = async (asOf: number) => {
    const manifest = to.manifest(asOf, from.name);
    const group = manifest.groups[0]!;
    const context = { store: to.store, manifest, group, users: async () => users };
    return { ...context, progress: () => {}, task: to.task };
  };
  const now = await at(to.day);
  const { tasks, scarce: [scarce] = [] } = await checkUserTasks(now);
  if (tasks.length === 0) throw new Error(`shop ${number} of ${size} users has too little to learn from`);
  // So that the customer base with priors is fitted in every shop, and is seen where it would not be.
  const told = scarce ?? { task: to.task, did: 100, didNot: 100, needed: 100, alone: false, why: '' };
  const group = { ...now.group, scarce: [told] };
  const past = await pastTrials({ ...now, group }, to);
  const { trials } = await usersTrials(
    { ...(await at(to.day + to.horizon)), group, days: [to.day] },
    CANDIDATES,
  );
  const named = (name: string) => CANDIDATES.find((one) => one.name === name)!;
  const without = (...names: string[]) => CANDIDATES.filter((one) => !names.includes(one.name));
  const chosen = (candidates: readonly Candidate[]): Choice => {
    const choice = choose(candidates, past, [to.horizon]);
    const priors = named(PRIORS);
    return told.alone && candidates.includes(priors) ? answeredAlone(choice, priors, [true]) : choice;
  };
  const today = trials[0]!;
  const both = chosen(scarce ? CANDIDATES : without(PRIORS));
  const said = new Map<string, number[]>([
    ...[PRIORS, PLAIN, OWN, BROUGHT].map((name) => [name, chances(today.logits.get(named(name))!)] as const),
    [WITHOUT, chances(blended(chosen(without(PRIORS, BROUGHT)), today))],
    [WITH_PRIORS, chances(blended(chosen(scarce ? without(BROUGHT) : without(PRIORS, BROUGHT)), today))],
    [WITH_BOTH, chances(blended(both, today))],
  ]);
  return {
    labels: Array.from(today.outcomes),
    said,
    positives: scarce ? [scarce.did, scarce.didNot] : null,
    kept: both.members.includes(named(BROUGHT)),
  };
}

/** The days that a training chooses by; the dearer forms are tried at the latest alone. */
async function pastTrials(
  context: Parameters<typeof usersTrials>[0],
  { day, horizon }: WholeShop,
): Promise<readonly Trial[]> {
  const { config } = context.manifest;
  const first = (await historyStart(await context.users(), day))!;
  const days = trialDays([horizon], cutoffGrid(config, first, day), day);
  const plain = offered(CANDIDATES, config).filter(({ formOf }) => !formOf);
  const names = plain.map(({ name }) => name);
  const before = days.slice(0, -1);
  const earlier =
    before.length > 0 ? await usersTrials({ ...context, days: before, names }, CANDIDATES) : { trials: [] };
  const latest = await usersTrials({ ...context, days: days.slice(-1) }, CANDIDATES);
  return [...earlier.trials, ...latest.trials];
}

/** What a choice says of a trial's rows, its members fitted there. */
function blended({ members, tasks }: Choice, { logits, outcomes }: Trial): Float32Array {
  const { weights, slope, intercept } = tasks[0]!;
  const able = members.map((one, m) => (Number.isNaN(logits.get(one)![0]!) ? 0 : weights[m]!));
  const [share, left] = [weights, able].map((all) => all.reduce((sum, weight) => sum + weight, 0));
  return Float32Array.from(outcomes, (_, i) => {
    const sum = members.reduce(
      (total, one, m) => total + (able[m]! > 0 ? able[m]! * logits.get(one)![i]! : 0),
      0,
    );
    return slope * (sum * (share! / left!)) + intercept;
  });
}

const chances = (logits: Float32Array): number[] => Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)));
