import { stableUnit } from '../../data/index.ts';
import {
  LIFECYCLES,
  NO_CODE,
  PARTS_OF_DAY,
  type ProfileColumns,
  textsOf,
  WEEKDAYS,
} from '../../score/index.ts';
import { byId } from '../by-id.ts';
import type { StepContext } from '../context.ts';
import type { CsvWriter } from '../csv.ts';
import type { ExportFile, Format } from '../manifest.ts';
import { partName } from '../table.ts';
import { type Column, writeTableFile } from '../table-file.ts';
import { type AnomalyModel, anomalies } from './anomaly.ts';
import { type Bands, bandOfPrice, bandOfQuintile } from './bands.ts';
import { type MeasureName, readProfiles } from './measure.ts';
import { levelOf } from './quantiles.ts';
import { type SegmentModel, segmentOf } from './segments.ts';

/** The table of profiles. Plain data: workers get it. */
export interface ProfileTable {
  /** Of the objects with the profiles, in the order of the ranges of hashes that they hold. */
  readonly profiles: readonly string[];
  readonly asOf: string;
  readonly controlShare: number;
  /** Are interests told? */
  readonly interests: boolean;
  /** Reasons of an anomaly that are told at most; absent where anomalies are not told. */
  readonly anomaly?: number;
}

export interface ProfilePartArguments {
  readonly table: ProfileTable;
  readonly part: number;
  readonly parts: number;
  /** The objects to write. */
  readonly keys: Partial<Readonly<Record<Format, string>>>;
  /** Shards of the part. */
  readonly shards: readonly number[];
  readonly bands: Bands;
  readonly model: SegmentModel | null;
  /** Of tables with anomalies. */
  readonly anomaly: AnomalyModel | null;
}

/** The columns that readers see, in order; docs/exports.md has its table from here. */
export const tableColumns = ({
  interests,
  anomaly,
}: Pick<ProfileTable, 'interests' | 'anomaly'>): Column[] => [
  { name: 'user_id', type: 'VARCHAR', means: 'as in `users`' },
  { name: 'as_of_day', type: 'DATE', means: 'as in `users`' },
  { name: 'control', type: 'BOOLEAN', means: 'as in `users`' },
  { name: 'lifecycle', type: 'VARCHAR', means: 'see [Lifecycle](#profiles) below' },
  { name: 'expected_gap_days', type: 'DOUBLE', means: 'days expected between two purchase days' },
  {
    name: 'recency_days',
    type: 'INTEGER',
    means: 'days since the last purchase; 1 is the day before the as-of day',
  },
  {
    name: 'recency_quintile',
    type: 'INTEGER',
    means: '1 to 5 over the buyers of the night; 5 is the best: the most recent',
  },
  {
    name: 'recency_band',
    type: 'VARCHAR',
    means: 'the quintile in a word: `low` (1, 2), `medium` (3), `high` (4, 5)',
  },
  {
    name: 'purchase_days',
    type: 'INTEGER',
    means: 'purchase days, of all that is known; 0 for who never bought',
  },
  { name: 'purchase_days_quintile', type: 'INTEGER', means: 'the same by purchase days' },
  { name: 'purchase_days_band', type: 'VARCHAR', means: 'the same' },
  { name: 'money', type: 'DOUBLE', means: 'money of all purchases, in major units' },
  { name: 'money_quintile', type: 'INTEGER', means: 'the same by money' },
  { name: 'money_band', type: 'VARCHAR', means: 'the same' },
  { name: 'price_per_unit', type: 'DOUBLE', means: 'mean price of a unit that was bought' },
  {
    name: 'price_band',
    type: 'VARCHAR',
    means: 'its third over the buyers of the night: `low`, `medium`, `high`',
  },
  {
    name: 'part_of_day',
    type: 'VARCHAR',
    means:
      'four hours each from midnight: `night`, `early_morning`, `morning`, `afternoon`, `evening`, `late_evening`; that with the most events of all time',
  },
  {
    name: 'weekday',
    type: 'VARCHAR',
    means: '`monday` to `sunday`: that of the most active days within `features.historyDays`',
  },
  ...(interests
    ? [
        {
          name: 'interests',
          type: 'VARCHAR',
          list: 'values',
          means: 'only with the setting: the largest shares, see below',
        } as const,
      ]
    : []),
  { name: 'segment', type: 'INTEGER', means: 'see below' },
  ...(anomaly === undefined
    ? []
    : [
        {
          name: 'anomaly',
          type: 'DOUBLE',
          means: 'only with the setting: 0 to 1, how soon a buyer is set apart from the others, see below',
        } as const,
        {
          name: 'anomaly_reasons',
          type: 'VARCHAR',
          list: 'values',
          means: 'only with the setting, of an anomaly above 0.5: what sets the buyer apart, strongest first',
        } as const,
      ]),
];

interface OpenedProfiles {
  readonly columns: ProfileColumns;
  readonly ids: readonly string[];
  readonly names: readonly string[];
}

/** Writes one part of the table: the users of some shards, ordered by id. */
export async function writeProfilePart(
  { store, folder, guardFormulas, pseudonyms }: StepContext,
  args: ProfilePartArguments,
): Promise<readonly ExportFile[]> {
  const { table, part, parts, keys } = args;
  const shards: OpenedProfiles[] = [];
  for (const shard of args.shards) {
    const columns = await readProfiles(store, table.profiles[shard]!);
    const names = textsOf(columns.users, columns.rows).map((name) => name ?? '');
    shards.push({ columns, names, ids: pseudonyms.openAll(names) });
  }
  return writeTableFile({
    ...{ store, folder, guardFormulas, table: 'profiles', keys },
    rows: shards.reduce((sum, { ids }) => sum + ids.length, 0),
    columns: tableColumns(table),
    name: partName('profiles', part, parts),
    records: (csv) => records(csv, args, shards),
  });
}

function* records(
  csv: CsvWriter,
  { table, bands, model, anomaly }: ProfilePartArguments,
  shards: readonly OpenedProfiles[],
): Generator<void> {
  const segment = model ? segmentOf(model) : undefined;
  const anomalyOf = anomaly ? anomalies(anomaly, table.anomaly ?? 0) : undefined;
  const tellAnomaly = (traits: readonly Float64Array[], row: number, bought: boolean) => {
    const own = bought ? anomalyOf?.(Float64Array.from(traits, (values) => values[row]!)) : undefined;
    if (own) csv.plain(String(own.score));
    else csv.empty();
    if (own?.reasons) csv.text(own.reasons);
    else csv.empty();
  };
  const number = (value: number) => (Number.isNaN(value) ? csv.empty() : csv.plain(String(value)));
  const code = (names: readonly string[], of: number) =>
    of === NO_CODE ? csv.empty() : csv.plain(names[of]!);
  const quintile = (measure: Exclude<MeasureName, 'price'>, value: number) => {
    if (Number.isNaN(value) || bands[measure].length === 0) {
      csv.empty();
      csv.empty();
      return;
    }
    const level = levelOf(value, bands[measure]);
    csv.whole(level);
    csv.plain(bandOfQuintile(level));
  };
  for (const [shard, row] of byId('user_id', shards)) {
    const { columns, ids, names } = shards[shard]!;
    const recency = columns.recency[row]!;
    const purchaseDays = columns.purchaseDays[row]!;
    const money = columns.money[row]!;
    const price = columns.price[row]!;
    const bought = purchaseDays > 0;
    csv.text(ids[row]!);
    csv.plain(table.asOf);
    csv.plain(stableUnit('control', names[row]!) < table.controlShare ? 'true' : 'false');
    code(LIFECYCLES, columns.lifecycle[row]!);
    number(columns.expectedGap[row]!);
    number(recency);
    quintile('recent', 0 - recency);
    csv.whole(purchaseDays);
    quintile('purchaseDays', bought ? purchaseDays : Number.NaN);
    number(money);
    quintile('money', bought ? money : Number.NaN);
    number(price);
    const priceBand = Number.isNaN(price) ? undefined : bandOfPrice(price, bands);
    if (priceBand === undefined) csv.empty();
    else csv.plain(priceBand);
    code(PARTS_OF_DAY, columns.partOfDay[row]!);
    code(WEEKDAYS, columns.weekday[row]!);
    if (columns.interests) csv.cell(columns.interests, row);
    if (segment && bought) csv.whole(segment({ recency, purchaseDays, money }));
    else csv.empty();
    if (table.anomaly !== undefined) tellAnomaly(columns.traits ?? [], row, bought);
    csv.end();
    yield;
  }
}
