import type { NextTask } from '../../config/index.ts';
import type { EventType } from '../../data/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { openItemRules, type UnitRules } from './item-rules.ts';
import { ListPicker } from './list-picker.ts';
import type { CandidateRules } from './pair-features.ts';
import type { Profile } from './profile.ts';

const BOUGHT: EventType = 'purchase';
const NOTHING: readonly number[] = [];

/** The rules of a list task as of a day, over the units of that day's item table. */
export interface ListRules {
  /** For `PairFeatures`; undefined where nothing is barred for all and nothing is set apart. */
  readonly candidates: CandidateRules | undefined;
  /** Must it be known what a user bought, and by which profile? */
  readonly asksWhatWasBought: boolean;
  /** Units that this user's list may not name. @param bought the user's profile by purchases */
  excluded(bought: Profile): readonly number[];
  /** Chooses lists of the task's length. */
  picker(): ListPicker;
}

/**
 * Reads what the rules of a task go by.
 * @throws DataError where they name an attribute that the run's items lack, or a condition cannot be asked
 */
export async function openRules(
  store: ObjectStore,
  manifest: RunManifest,
  name: string,
  task: NextTask,
): Promise<{ at(day: number, units: readonly string[]): Promise<ListRules> }> {
  const ofItems = await openItemRules(store, manifest, name, task);
  return {
    async at(day, units) {
      return listRules(task, units.length, await ofItems.at(day, units));
    },
  };
}

function listRules({ exclude, mix, k }: NextTask, units: number, { barred, boost }: UnitRules): ListRules {
  const apart = mix !== undefined;
  const within =
    exclude === undefined ? 0 : exclude === 'bought' ? Number.POSITIVE_INFINITY : exclude.boughtWithinDays;
  return {
    candidates: barred || apart ? { barred: barred ?? new Uint8Array(units), apart } : undefined,
    asksWhatWasBought: exclude !== undefined,
    excluded({ count, unit, last }) {
      if (exclude === undefined) return NOTHING;
      return Array.from(unit.subarray(0, count)).filter((_, i) => last[i]! <= within);
    },
    picker: () => new ListPicker(k, { boost, again: mix && Math.round(mix.again * k) }),
  };
}

/**
 * A user's profile by purchases, for `excluded`: the one by the task's event where that is a purchase.
 * @param own the user's profile by the task's event
 * @param read reads the entries of purchases where they are another type's
 */
export const boughtProfile = (
  { event }: NextTask,
  own: Profile,
  read: (type: EventType) => Profile,
): Profile => (event === BOUGHT ? own : read(BOUGHT));

/** The rules of a task in words, a sentence each; none where it has none. */
export function rulesInWords(task: NextTask): string[] {
  const { exclude, never, only, stock, overstock, mix } = task;
  const things = task.of === 'item' ? 'items' : `values of "${task.of}"`;
  return [
    ...(exclude === 'bought' ? [`No ${things} that the user has bought before.`] : []),
    ...(typeof exclude === 'object'
      ? [`No ${things} that the user has bought within ${exclude.boughtWithinDays} days.`]
      : []),
    ...(never ? [`Never one of ${never.length} ${things} that the config names.`] : []),
    ...(only === undefined ? [] : [`Only ${things} that meet the condition ${only}`]),
    ...(stock === undefined ? [] : [`No ${things} with nothing left by "${stock}".`]),
    ...(overstock
      ? [
          `Items with more than ${overstock.above} left by "${stock}" get ${overstock.boost} on top of the score.`,
        ]
      : []),
    ...(mix
      ? [
          `At most ${Math.round(mix.again * task.k)} of ${task.k} entries are ${things} that the user has had before.`,
        ]
      : []),
  ];
}
