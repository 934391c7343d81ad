import type { Config } from '../config/index.ts';
import { ConfigError, DataError, type EventType, inControl } from '../data/index.ts';
import type { Campaign } from './treatments.ts';

export interface LiftQuestion {
  readonly campaign: string;
  /** Name of the control arm; default: the one that is called "control", or where there is one arm the exports' control group. */
  readonly control?: string | undefined;
  /** Whoever has one of these in the window has converted. */
  readonly event: EventType;
  /** Length of the window. */
  readonly days: number;
  /** Shop day with which everybody's window begins; default: each one's treatment. */
  readonly from?: number | undefined;
  /** Intended shares of the arms, the control first, then the others by name; default: equal ones. */
  readonly split?: readonly number[] | undefined;
}

/** What is compared with what. */
export interface Design {
  /** The control first, the others by name. */
  readonly arms: readonly string[];
  /** Where the control comes from: an arm of the campaign's file, or the control group of the exports. */
  readonly control: 'arm' | 'exports';
  /** Intended shares of the arms, in their order. */
  readonly shares: readonly number[];
}

/** How the control group of the exports is called among the arms. */
const HELD_OUT = 'held out by the exports';

/**
 * @throws ConfigError for an arm or a split that does not fit, DataError where nobody was held out
 */
export function designOf(campaign: Campaign, config: Config, question: LiftQuestion): Design {
  const named = [...new Set([...campaign.treatments.values()].map(({ arm }) => arm))].sort();
  const { control, split } = question;
  const told = `campaign "${campaign.name}" has ${named.length === 1 ? 'the one arm' : 'the arms'} ${named.join(', ')}`;
  if (control !== undefined && !named.includes(control)) {
    throw new ConfigError(`there is no arm "${control}": ${told}`);
  }
  const [only] = named;
  if (only === undefined) {
    throw new DataError(
      `all users of campaign "${campaign.name}" were treated in several arms: nobody is left`,
    );
  }
  const own = control ?? named.find((arm) => arm.toLowerCase() === 'control');
  if (named.length === 1) {
    if (own !== undefined) {
      throw new DataError(`${told}, which is the control: nobody was treated who could be compared with it`);
    }
    return withShares({ arms: [HELD_OUT, only], control: 'exports' }, split, heldOutShares(config, told));
  }
  if (own === undefined) {
    throw new ConfigError(`${told}, and none is called "control": say which one it is (--control ARM)`);
  }
  const arms = [own, ...named.filter((arm) => arm !== own)];
  return withShares(
    { arms, control: 'arm' },
    split,
    arms.map(() => 1 / arms.length),
  );
}

function heldOutShares({ exports: { controlShare } }: Config, told: string): number[] {
  if (controlShare > 0) return [controlShare, 1 - controlShare];
  throw new DataError(
    `${told}, and there is no control: exports.controlShare is 0, so the exports hold nobody out. Put those whom a campaign ` +
      'leaves out on purpose into the file, with an arm of their own',
  );
}

function withShares(
  design: Omit<Design, 'shares'>,
  split: readonly number[] | undefined,
  usual: readonly number[],
): Design {
  if (split && split.length !== design.arms.length) {
    throw new ConfigError(
      `--split has ${split.length} shares, and ${design.arms.length} are expected: of ${design.arms.join(', ')}, in this order`,
    );
  }
  const total = split?.reduce((sum, share) => sum + share, 0) ?? 1;
  return { ...design, shares: split ? split.map((share) => share / total) : usual };
}

/**
 * Did a campaign with one arm leave the exports' control group out? A few who were treated all the same are left out here.
 * @param treated pseudonyms
 * @returns those who were treated and should not have been
 * @throws DataError where it took as good as no notice of the control group: then nobody was held out
 */
export function brokenHoldOut(
  { name }: Campaign,
  { exports: { controlShare } }: Config,
  treated: readonly string[],
): Set<string> {
  const broken = treated.filter((user) => inControl(user, controlShare));
  if (broken.length > (treated.length * controlShare) / 2) {
    const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
    throw new DataError(
      `campaign "${name}" has one arm and no control: ${broken.length} of its ${treated.length} users ` +
        `(${percent(broken.length / treated.length)}) are of the exports' control group, to which ${percent(controlShare)} of ` +
        'all users belong, so the campaign did not leave that group out. What those did who were not treated says nothing ' +
        'of what the treatment changed; put users whom it leaves out by chance into the file, with an arm of their own',
    );
  }
  return new Set(broken);
}
