import { type Config, userAttributes } from '../config/index.ts';
import { EVENT_TYPES } from '../data/index.ts';
import { featureNames } from './feature-table.ts';

/** A column that the condition of a population may read. */
export interface PopulationColumn {
  readonly name: string;
  readonly isNumber: boolean;
  /** What it says, for a person. */
  readonly words: string;
  /** Place in the vector of features; absent of attributes. */
  readonly feature?: number;
}

type Settings = Pick<Config, 'features' | 'sources'>;

/**
 * What the condition of a population may read of a user: attributes, as the config names them, and features of behaviour. A feature
 * of an attribute's name (in any case) is hidden by it: that of the shop comes first.
 */
export function populationColumns(config: Settings): PopulationColumn[] {
  const attributes = new Map<string, PopulationColumn>();
  for (const kind of ['numbers', 'categories', 'texts'] as const) {
    for (const name of userAttributes(config, kind)) {
      attributes.set(name, { name, isNumber: kind === 'numbers', words: 'an attribute of users' });
    }
  }
  const hidden = new Set(Array.from(attributes.keys(), (name) => name.toLowerCase()));
  return [
    ...attributes.values(),
    ...featureNames(config).flatMap(({ name, words }, feature) =>
      hidden.has(name) ? [] : [{ name, isNumber: true, words, feature }],
    ),
  ];
}

/** The columns in a few words: every event type has the same features. */
export function populationColumnsText(config: Settings): string {
  const [first] = EVENT_TYPES;
  const columns = populationColumns(config);
  const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');
  const attributes = columns.filter(({ feature }) => feature === undefined).map(({ name }) => name);
  const shared = columns.filter(({ name, feature }) => feature !== undefined && !name.includes('.'));
  const perType = featureNames(config).flatMap(({ name }) =>
    name.startsWith(`${first}.`) ? [name.slice(first.length + 1)] : [],
  );
  return (
    `"TYPE.FEATURE" with a type of ${EVENT_TYPES.join(', ')} and a feature of ${perType.join(', ')}; ` +
    `${quoted(shared.map(({ name }) => name))}; and attributes of users (${quoted(attributes) || 'there are none'})`
  );
}
