import type { Config } from '../config/index.ts';
import { EVENT_TYPES } from '../data/index.ts';
import { Facts } from './facts.ts';
import { TYPES, type UserState } from './state.ts';
import { type Feature, type FeatureName, SHARED_FEATURES, typeFeatures } from './vector.ts';
import { eventWords } from './words.ts';

type Settings = Pick<Config, 'features'>;

/** The features of a config, in the order of the vector. */
class FeatureTable {
  readonly names: readonly FeatureName[];
  readonly #perType: Feature[];
  /** Values of a type that the user never had. */
  readonly #never: Float32Array;
  readonly #facts = new Facts();

  constructor(config: Settings) {
    const { halfLives, historyDays } = config.features;
    this.#perType = typeFeatures(halfLives);
    this.#never = Float32Array.from(this.#perType, ({ name }) => (name === 'recency' ? historyDays : 0));
    this.names = [
      ...EVENT_TYPES.flatMap((type) =>
        this.#perType.map(({ name, words, group }) => ({
          name: `${type}.${name}`,
          words: eventWords(words, type),
          group: type === 'return' ? 'returns' : group,
        })),
      ),
      ...SHARED_FEATURES.map(({ name, words, group }) => ({ name, words, group })),
    ];
  }

  /** Length of the vector. */
  get length(): number {
    return this.names.length;
  }

  /**
   * Writes a user's features as of a day to out[offset, offset + length), rounded to float32. None is NaN.
   * @param state the fold of exactly the days before `day`
   */
  write(state: UserState, day: number, out: Float32Array, offset = 0): void {
    const facts = this.#facts;
    facts.look(state, day);
    let at = offset;
    for (let type = 0; type < TYPES; type++) {
      if (state.has(type)) {
        for (const { value } of this.#perType) out[at++] = value(facts, type);
      } else {
        out.set(this.#never, at);
        at += this.#never.length;
      }
    }
    for (const { value } of SHARED_FEATURES) out[at++] = value(facts, 0);
  }

  /** Some places of the vector alone, as `write` has them before they are rounded. */
  some(state: UserState, day: number, columns: readonly number[]): number[] {
    const facts = this.#facts;
    facts.look(state, day);
    const perType = this.#perType;
    return columns.map((column) => {
      const type = Math.floor(column / perType.length);
      const place = column % perType.length;
      if (type >= TYPES) return SHARED_FEATURES[column - TYPES * perType.length]!.value(facts, 0);
      return state.has(type) ? perType[place]!.value(facts, type) : this.#never[place]!;
    });
  }
}

const tables = new WeakMap<Settings, FeatureTable>();

/** The feature table of a config, made once. */
function featureTable(config: Settings): FeatureTable {
  let table = tables.get(config);
  if (!table) {
    table = new FeatureTable(config);
    tables.set(config, table);
  }
  return table;
}

/** Names and groups in the order of the vector. Every event type is there; what is constant is dropped at training. */
export function featureNames(config: Settings): readonly FeatureName[] {
  return featureTable(config).names;
}

/** Writes a user's features as of a day, see FeatureTable.write. */
export function featureVector(
  state: UserState,
  day: number,
  config: Config,
  out: Float32Array,
  offset = 0,
): void {
  featureTable(config).write(state, day, out, offset);
}

/**
 * Some of a user's features as of a day, not rounded.
 * @param state the fold of exactly the days before `day`
 * @param columns places of the vector, those of `featureNames`
 */
export function someFeatures(
  state: UserState,
  day: number,
  config: Config,
  columns: readonly number[],
): number[] {
  return featureTable(config).some(state, day, columns);
}
