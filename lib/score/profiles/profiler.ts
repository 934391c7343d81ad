import type { ProfileSettings } from '../../config/index.ts';
import { eventCode, minorDigits } from '../../data/index.ts';
import { AT, type Interner, type ShardUser } from '../../features/index.ts';
import { unitsNamed } from '../../models/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { partOfDay, weekday } from './habits.ts';
import { interestsOf } from './interests.ts';
import { expectedGap, LIFECYCLES, lifecycleOf } from './lifecycle.ts';
import { encodeProfiles, PROFILE_NUMBERS } from './profile-file.ts';
import { TRAITS, traitsOf } from './traits.ts';

const PURCHASE = eventCode('purchase');
const MILLI = 1000;
/** Interests of a user that are named, where the config does not say how many. */
const MOST_INTERESTS = 3;

/** Makes the profiles of shards, one after the other. */
export interface Profiler {
  /** @param items names of the items in the states of the shard */
  shard(items: Interner): ShardProfiler;
}

/**
 * Opens what the profiles of a run need beside its states.
 * @param day the as-of day: of items what was valid before it
 * @returns undefined where the run has none: they are not asked for, or nothing is exported
 */
export async function openProfiler(
  store: ObjectStore,
  manifest: RunManifest,
  day: number,
): Promise<Profiler | undefined> {
  const { config, purpose } = manifest;
  const settings = config.exports.profiles;
  if (!settings || purpose === 'backtest') return undefined;
  const { interests } = settings;
  const units = interests === undefined ? undefined : await unitsNamed(store, manifest, interests);
  const minor = 10 ** minorDigits(config.shop.currency);
  // Where no item has the attribute yet, nobody has an interest.
  const unitOf = interests === undefined ? undefined : (units?.at(day) ?? (() => undefined));
  return { shard: (items) => new ShardProfiler({ settings, day, minor, items, unitOf }) };
}

interface ShardContext {
  readonly settings: ProfileSettings;
  readonly day: number;
  /** Minor units in a major one. */
  readonly minor: number;
  readonly items: Interner;
  readonly unitOf: ((item: string) => string | undefined) | undefined;
}

/** Collects the profiles of a shard's users, in the order of its scores. */
export class ShardProfiler {
  readonly #context: ShardContext;
  readonly #nameOf: ((item: number) => string | undefined) | undefined;
  readonly #users: string[] = [];
  readonly #hashes: number[] = [];
  readonly #numbers: number[][] = PROFILE_NUMBERS.map(() => []);
  readonly #lifecycles: number[] = [];
  readonly #parts: number[] = [];
  readonly #weekdays: number[] = [];
  readonly #interests: (string | null)[] = [];
  readonly #traits: number[][] = TRAITS.map(() => []);

  constructor(context: ShardContext) {
    this.#context = context;
    const { items, unitOf } = context;
    if (!unitOf) return;
    const names: (string | undefined | null)[] = [];
    this.#nameOf = (item) => {
      let name = names[item];
      if (name === undefined) names[item] = name = unitOf(items.text(item)) ?? null;
      return name ?? undefined;
    };
  }

  /** Adds a user, advanced to the day by this call. */
  add(user: ShardUser): void {
    const { settings, day, minor, items } = this.#context;
    user.advance(day);
    const { state } = user;
    this.#users.push(user.user);
    this.#hashes.push(user.hash);
    const bought = state.has(PURCHASE);
    const money = state.get(PURCHASE, AT.money) / minor;
    const units = state.get(PURCHASE, AT.units) / MILLI;
    const numbers = {
      expectedGap: expectedGap(state, settings),
      recency: bought ? day - state.get(PURCHASE, AT.lastDay) : Number.NaN,
      purchaseDays: state.get(PURCHASE, AT.activeDays),
      money,
      price: units > 0 ? money / units : Number.NaN,
    };
    for (const [i, name] of PROFILE_NUMBERS.entries()) this.#numbers[i]!.push(numbers[name]);
    this.#lifecycles.push(LIFECYCLES.indexOf(lifecycleOf(state, day, settings)));
    this.#parts.push(partOfDay(state));
    this.#weekdays.push(weekday(state, day));
    if (settings.anomaly) {
      for (const [t, value] of traitsOf(state, day, minor).entries()) this.#traits[t]!.push(value);
    }
    if (this.#nameOf) {
      this.#interests.push(
        interestsOf(state, day, items, this.#nameOf, settings.mostInterests ?? MOST_INTERESTS),
      );
    }
  }

  /** The Arrow file of the shard. */
  encode(metadata: Record<string, string>): Uint8Array {
    const [expectedGaps, recency, purchaseDays, money, price] = this.#numbers.map((own) =>
      Float64Array.from(own),
    ) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
    return encodeProfiles(
      {
        users: this.#users,
        hashes: Uint32Array.from(this.#hashes),
        ...{ expectedGap: expectedGaps, recency, purchaseDays, money, price },
        lifecycle: Uint8Array.from(this.#lifecycles),
        partOfDay: Uint8Array.from(this.#parts),
        weekday: Uint8Array.from(this.#weekdays),
        ...(this.#nameOf ? { interests: this.#interests } : {}),
        ...(this.#context.settings.anomaly
          ? { traits: this.#traits.map((own) => Float64Array.from(own)) }
          : {}),
      },
      metadata,
    );
  }
}
