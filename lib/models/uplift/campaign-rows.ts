import type { Config, UpliftTask } from '../../config/index.ts';
import {
  DataError,
  type EventType,
  eventCode,
  minorDigits,
  parseDay,
  shopClock,
  stableUnit,
} from '../../data/index.ts';
import {
  type AttributeEncoder,
  dayStart,
  type FeatureName,
  featureNames,
  featureVector,
  type UserDay,
  type UserState,
} from '../../features/index.ts';
import type { TrainContext } from '../family.ts';
import {
  addTypes,
  checkFinite,
  eachUser,
  fitProfiles,
  historyStart,
  openProfiles,
  type ProfileWriter,
  profileNames,
  usableColumns,
} from '../shared/index.ts';
import { type UpliftMaterial, upliftMaterial } from './material.ts';
import { readTreatments } from './treatments.ts';
import { askedBy, upliftTask } from './uplift-task.ts';

/** What a model over users reads: places of the feature vector, and how what is said of users is encoded behind them. */
export interface UserColumns {
  readonly columns: readonly number[];
  readonly profile: AttributeEncoder | null;
}

/** Rows of treatments whose windows are over: what was known of users before the day, and what they did then. */
export interface CampaignRows extends UserColumns {
  readonly material: UpliftMaterial;
  readonly leftOut: readonly { readonly rows: number; readonly why: string }[];
}

/** Name and group of what a model reads. */
const columnNames = (config: Config, { columns, profile }: UserColumns): FeatureName[] => {
  const all = featureNames(config);
  return [...columns.map((j) => all[j]!), ...profileNames(profile)];
};

/** Writes what is known of users before a day. */
export class UserWriter {
  readonly names: readonly FeatureName[];
  readonly #config: Config;
  readonly #columns: readonly number[];
  readonly #whole: Float32Array;

  constructor(config: Config, chosen: UserColumns) {
    this.#config = config;
    this.#columns = chosen.columns;
    this.names = columnNames(config, chosen);
    this.#whole = new Float32Array(featureNames(config).length);
  }

  /** @param state the fold of the days before `day` */
  write(
    user: string,
    state: UserState,
    day: number,
    profiles: ProfileWriter,
    out: Float32Array,
    at: number,
  ): void {
    featureVector(state, day, this.#config, this.#whole);
    this.#columns.forEach((j, k) => {
      out[at + k] = this.#whole[j]!;
    });
    profiles.write(user, day, out, at + this.#columns.length);
    checkFinite(user, out, at, this.names);
  }
}

/**
 * What the events of a task come to from a treatment on, to the end of its window: the `horizonDays` shop days from that of the
 * treatment, of which the first counts from the treatment's time on. Whether one came, or their money in major units.
 */
export function outcomeOf(
  days: readonly UserDay[],
  { day, at }: { readonly day: number; readonly at: number },
  task: UpliftTask,
  minor: number,
): number {
  const { event, horizonDays } = askedBy(task);
  const code = eventCode(event);
  let [count, money] = [0, 0];
  for (const { day: own, entries, start, end } of days) {
    if (own < day || own >= day + horizonDays) continue;
    for (let i = start; i < end; i++) {
      if (entries.type[i] !== code || entries.time[i]! < at) continue;
      count++;
      money += entries.money[i]!;
    }
  }
  return task.of === 'chance' ? Number(count > 0) : money / minor;
}

export const minorOf = ({ shop }: Config): number => 10 ** minorDigits(shop.currency);

/**
 * Builds the rows of a task: each treatment of its campaigns whose window is over by the as-of day. What a row reads is from before
 * the treatment's day, and its outcome from the treatment on.
 * @throws DataError where there is no history, no campaign, or nothing that varies
 */
export async function campaignRows(
  context: Pick<TrainContext, 'store' | 'manifest' | 'users' | 'group'>,
): Promise<CampaignRows> {
  const { store, manifest, group } = context;
  const { config } = manifest;
  const task = upliftTask(manifest, group.tasks[0]!);
  const { horizonDays } = askedBy(task);
  const asOf = parseDay(manifest.asOf!);
  const users = await context.users();
  const first = await historyStart(users, asOf);
  if (first === undefined) throw new DataError(`there are no events before the as-of day ${manifest.asOf}`);
  const { timeZone } = config.shop;
  const treatments = await readTreatments(store, manifest, task, dayStart(timeZone, asOf));
  const chosen = await chooseColumns(context, first, asOf);
  const writer = new UserWriter(config, chosen);
  const width = writer.names.length;
  const clock = shopClock(timeZone);
  const minor = minorOf(config);
  const features: Float32Array[] = [];
  const rows: { treated: number; outcome: number; unit: number; propensity: number }[] = [];
  let [open, alone, known] = [0, 0, 0];
  let all = 0;
  for (const own of treatments.byUser.values()) all += own.length;
  let profiles: { readonly shard: number; readonly writer: ProfileWriter } | undefined;
  for await (const { user, shard } of eachUser(users, asOf)) {
    const own = treatments.byUser.get(user.user);
    if (!own) continue;
    if (profiles?.shard !== shard) {
      profiles = { shard, writer: await openProfiles(store, manifest, chosen.profile, shard) };
    }
    for (const { campaign, treated, at } of own) {
      const { day } = clock(at);
      const share = treatments.shares.get(campaign)!;
      // Of who did nothing before, those are known alone who did something later.
      const before = user.days[0] !== undefined && user.days[0].day < day && user.joinsAt > day;
      if (!before) continue;
      known++;
      if (day + horizonDays > asOf) open++;
      else if (share === 0 || share === 1) alone++;
      else {
        user.advance(day);
        const row = new Float32Array(width);
        writer.write(user.user, user.state, day, profiles.writer, row, 0);
        features.push(row);
        const outcome = outcomeOf(user.outcomes, { day, at }, task, minor);
        rows.push({ treated, outcome, unit: stableUnit('training', user.user), propensity: share });
      }
    }
  }
  const leftOut = [
    ...treatments.leftOut,
    { rows: all - known, why: 'without an event before the day of their treatment' },
    { rows: open, why: 'their window is not over' },
    { rows: alone, why: 'of a campaign with one arm' },
  ].filter((one) => one.rows > 0);
  if (rows.length === 0) {
    const told = leftOut.map((one) => `${one.rows} ${one.why}`).join(', ');
    throw new DataError(`no treatment can be learnt from: ${told || 'there is none'}`);
  }
  const whole = new Float32Array(rows.length * width);
  features.forEach((row, i) => {
    whole.set(row, i * width);
  });
  const material = upliftMaterial(
    {
      features: whole,
      names: writer.names,
      treated: Float32Array.from(rows, (row) => row.treated),
      outcomes: Float32Array.from(rows, (row) => row.outcome),
      unit: Float32Array.from(rows, (row) => row.unit),
      propensity: Float32Array.from(rows, (row) => row.propensity),
      binary: task.of === 'chance',
      logarithms: true,
    },
    Int32Array.from(rows, (_, i) => i),
  );
  return { ...chosen, material, leftOut };
}

/** Chooses the columns by what was known before the as-of day. */
async function chooseColumns(
  { store, manifest, users: open }: Pick<TrainContext, 'store' | 'manifest' | 'users'>,
  first: number,
  day: number,
): Promise<UserColumns> {
  const types = new Set<EventType>();
  for await (const { user } of eachUser(await open(), day)) {
    user.advance(day);
    addTypes(user.state, types);
  }
  return {
    columns: usableColumns(manifest.config, types, day - first),
    profile: await fitProfiles(store, manifest, day),
  };
}
