import type { Config } from '../config/index.ts';
import { DataError, type EventType, formatDay, inControl, minorDigits } from '../data/index.ts';
import type { Comparison, Cuped, MeanComparison, SampleRatio } from '../engine/uplift/index.ts';
import { compareMeans, compareProportions, cuped, sampleRatio } from '../engine/uplift/index.ts';
import { buildManifest, type DropState, lastDays, openIds } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { checkSizes, countConverted, type Group, groupsOf } from './groups.ts';
import { addBehaviour, newPerson, type Person } from './people.ts';
import { brokenHoldOut, type Design, designOf, type LiftQuestion } from './question.ts';
import { earlierScores } from './scores.ts';
import { type Campaign, readCampaign } from './treatments.ts';
import { warningsOf } from './warnings.ts';
import { checkOver, type Windows, windowsOf } from './windows.ts';

/** A split this unlikely is no chance: the threshold that experimenters use for a sample ratio. */
const MISMATCH = 0.001;
/** The time before the treatment that covariates are of has as many days as the window, and at least these. */
const DAYS_BEFORE = 28;

export interface ArmResult {
  readonly arm: string;
  readonly users: number;
  /** Users with the event in their window, and their share. */
  readonly converted: number;
  readonly conversion: number;
  /** Of purchases in the window, in major units a user. */
  readonly moneyPerUser: number;
}

/** An arm against the control. */
export interface ArmLift {
  readonly arm: string;
  /** Share of users with the event. */
  readonly conversion: Comparison;
  /** Major units a user. */
  readonly money: MeanComparison;
  /** The same after what was known before the treatment has been taken off. */
  readonly adjusted: { readonly conversion: Cuped; readonly money: Cuped };
}

export interface Lift {
  readonly campaign: string;
  readonly event: EventType;
  readonly days: number;
  readonly currency: string | null;
  readonly control: { readonly arm: string; readonly from: Design['control'] };
  /** Shop days with which the first and the last window begin. */
  readonly windows: { readonly first: string; readonly last: string };
  /** The last day of which all events are known. */
  readonly knownUntil: string;
  /** The control first. */
  readonly arms: readonly ArmResult[];
  readonly lifts: readonly ArmLift[];
  readonly sampleRatio: SampleRatio & { readonly shares: readonly number[]; readonly mismatch: boolean };
  /** What CUPED takes off, in words. */
  readonly covariates: readonly string[];
  readonly leftOut: readonly { readonly users: number; readonly why: string }[];
  readonly warnings: readonly string[];
}

/**
 * Compares the arms of a campaign.
 * @param args.drops all drops of the shop
 * @throws ConfigError for what cannot be asked, DataError where the data have no answer or not yet
 */
export async function measureLift(
  args: { store: ObjectStore; config: Config; drops: readonly DropState[] } & LiftQuestion,
): Promise<Lift> {
  const { store, config, drops, event, days } = args;
  const campaign = await readCampaign(store, config, drops, args.campaign);
  const design = designOf(campaign, config, args);
  const windows = windowsOf(config.shop.timeZone);
  const known = await lastDays(store, config, drops);
  if (!known) throw new DataError('there are no events, so nobody knows what the treated did');
  const begins = beginsOf(campaign, design, windows, args.from);
  checkOver(windows, begins.last, days, known.complete);
  const daysBefore = Math.max(DAYS_BEFORE, days);
  const { people, leftOut } = await peopleOf(args, campaign, design, begins, { windows, daysBefore });
  const scores = await earlierScores(store, windows.dayOf(begins.before), args, (user) => people.has(user));
  const groups = groupsOf(design, people, 10 ** minorDigits(config.shop.currency), scores);
  checkSizes(campaign, groups);
  const [control, ...treated] = groups;
  const ratio = sampleRatio(
    groups.map(({ money }) => money.length),
    design.shares,
  );
  const lifts = treated.map((group) => liftOf(group, control!));
  const split = { ...ratio, shares: design.shares, mismatch: ratio.pValue < MISMATCH };
  return {
    campaign: campaign.name,
    event,
    days,
    currency: config.shop.currency ?? null,
    control: { arm: control!.arm, from: design.control },
    windows: {
      first: formatDay(windows.dayOf(begins.first)),
      last: formatDay(windows.dayOf(begins.last)),
    },
    knownUntil: formatDay(known.complete),
    arms: groups.map(resultOf),
    lifts,
    sampleRatio: split,
    covariates: [
      `money of purchases in the ${daysBefore} days before`,
      `number of events (${event}) in the ${daysBefore} days before`,
      ...(scores ? [`score of ${scores.task} as of ${scores.asOf}`] : []),
    ],
    leftOut,
    warnings: warningsOf({ design, groups, lifts, mismatch: split.mismatch, outside: begins.outside(days) }),
  };
}

/** When windows begin. */
interface Begins {
  readonly first: number;
  readonly last: number;
  /** Until when nobody was treated and no window had begun. */
  readonly before: number;
  /** Of a user whose treatment began at this time: begin of the window, and end of the past. */
  of(at: number): { readonly at: number; readonly before: number };
  /** Treatments that began outside of the window that is measured. */
  outside(days: number): number;
}

/**
 * Each window begins with its treatment; where a day is given, or users without a treatment are the control, all begin with one
 * shop day, the given one or that of the first treatment: nobody else has a day of their own to be compared by.
 */
function beginsOf(
  { treatments }: Campaign,
  { control }: Design,
  windows: Windows,
  from: number | undefined,
): Begins {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { at } of treatments.values()) {
    first = Math.min(first, at);
    last = Math.max(last, at);
  }
  if (from === undefined && control === 'arm') {
    return { first, last, before: first, of: (at) => ({ at, before: at }), outside: () => 0 };
  }
  const begin = windows.midnight(from ?? windows.dayOf(first));
  // A window that begins after treatments did has days before it that they may have changed.
  const before = Math.min(begin, first);
  return {
    first: begin,
    last: begin,
    before,
    of: () => ({ at: begin, before }),
    outside(days) {
      const end = windows.shifted(begin, days);
      let count = 0;
      for (const { at } of treatments.values()) if (at < begin || at >= end) count += 1;
      return count;
    },
  };
}

/** Everybody who is compared, with what they did. */
async function peopleOf(
  {
    store,
    config,
    drops,
    event,
    days,
  }: Pick<LiftQuestion, 'event' | 'days'> & {
    store: ObjectStore;
    config: Config;
    drops: readonly DropState[];
  },
  campaign: Campaign,
  { arms, control }: Design,
  begins: Begins,
  { windows, daysBefore }: { windows: Windows; daysBefore: number },
): Promise<{ people: ReadonlyMap<string, Person>; leftOut: Lift['leftOut'] }> {
  const people = new Map<string, Person>();
  for (const [user, { arm, at }] of campaign.treatments) {
    const own = begins.of(at);
    people.set(user, newPerson(arms.indexOf(arm), own.at, own.before));
  }
  // Later versions of events count, too: they tell what really happened in the window.
  const asOf = formatDay(windows.dayOf(begins.last));
  const manifest = buildManifest({
    purpose: 'backtest',
    config,
    asOf,
    groups: [],
    drops,
    champions: {},
    snapshot: null,
  });
  const share = config.exports.controlShare;
  const heldOut = (user: string, first: number) =>
    inControl(user, share) && first < begins.before && !campaign.conflicts.has(user)
      ? newPerson(0, begins.first, begins.before)
      : undefined;
  await addBehaviour(
    openIds(store, manifest),
    people,
    { windows, event, days, daysBefore },
    control === 'exports' ? heldOut : undefined,
  );
  const leftOut = [{ users: campaign.conflicts.size, why: 'treated in several arms' }];
  if (control === 'exports') {
    const treated = [...campaign.treatments.keys()].filter((user) => people.get(user)!.known);
    const broken = brokenHoldOut(campaign, config, treated);
    for (const user of broken) people.delete(user);
    leftOut.push({ users: broken.size, why: 'treated although they are of the exports’ control group' });
    const unknown = [...campaign.treatments.keys()].filter((user) => people.get(user)?.known === false);
    for (const user of unknown) people.delete(user);
    leftOut.push({
      users: unknown.length,
      why: 'without an event before the window, as everybody of the control has',
    });
  }
  return { people, leftOut: leftOut.filter(({ users }) => users > 0) };
}

function liftOf(treated: Group, control: Group): ArmLift {
  const measured = ({ covariates }: Group, outcome: Float64Array) => ({ outcome, covariates });
  return {
    arm: treated.arm,
    conversion: compareProportions(countOf(treated), countOf(control)),
    money: compareMeans(treated.money, control.money),
    adjusted: {
      conversion: cuped(measured(treated, treated.converted), measured(control, control.converted)),
      money: cuped(measured(treated, treated.money), measured(control, control.money)),
    },
  };
}

const countOf = (group: Group) => ({ users: group.converted.length, done: countConverted(group) });

function resultOf(group: Group): ArmResult {
  const { arm, money } = group;
  const users = money.length;
  const converted = countConverted(group);
  const spent = money.reduce((sum, value) => sum + value, 0);
  return { arm, users, converted, conversion: converted / users, moneyPerUser: spent / users };
}
