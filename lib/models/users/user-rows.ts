import type { AbsenceTask, Config, EventTask } from '../../config/index.ts';
import { type EventType, eventCode, parseDay, stableUnit } from '../../data/index.ts';
import { type AttributeEncoder, featureNames, featureVector, happens } from '../../features/index.ts';
import type { RunManifest, RunUsers } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import {
  type Head,
  TEXT_FIELDS,
  VISIT_FIELDS,
  VisitEncoder,
  type VisitVocabulary,
  VocabularyCounter,
} from '../candidates/index.ts';
import {
  type Asked,
  addTypes,
  checkFinite,
  eachUser,
  fitProfiles,
  openAsking,
  openProfiles,
  type ProfileWriter,
  profileNames,
  RowTable,
  type UserRows,
  usableColumns,
} from '../shared/index.ts';
import { openTexts, TextNumbers, type TextWriter, textPlaces } from './texts.ts';

/** A label window is asked in this many equal parts where it is long enough. */
const BINS = 3;

export type UserTask = EventTask | AbsenceTask;

/** A young log asks long windows in shorter parts, so that some of them are over; they are at most so many. */
const MOST_BINS = 12;

/**
 * The heads of the users model in the order of its tasks.
 * @param historyDays days of events there are
 */
export function userHeads(config: Config, tasks: readonly string[], historyDays: number): Head[] {
  const longest = Math.max(1, Math.floor(historyDays / 4));
  return tasks.map((name) => {
    const task = userTask(config, name);
    const bins = Math.min(MOST_BINS, Math.max(BINS, Math.ceil(task.horizonDays / longest)));
    return { task: name, bins: Math.min(bins, task.horizonDays), inverted: task.kind === 'absence' };
  });
}

export function userTask(config: Config, name: string): UserTask {
  const task = config.tasks[name];
  if (task?.kind !== 'event' && task?.kind !== 'absence') throw new Error(`${name} is no task over users`);
  return task;
}

/** Tasks with their names, as `openAsking` takes them. */
export const namedTasks = (config: Config, tasks: readonly string[]) =>
  tasks.map((name) => ({ name, task: userTask(config, name) }));

/** First day of each part of a window of `horizonDays`, and its end. */
export const binEdges = (horizonDays: number, bins: number): number[] =>
  Array.from({ length: bins + 1 }, (_, k) => Math.round((k * horizonDays) / bins));

/** Per output of the heads: days from the cut-off until it is known. */
export function binEnds(config: Config, heads: readonly Head[]): number[] {
  return heads.flatMap(({ task, bins }) => binEdges(userTask(config, task).horizonDays, bins).slice(1));
}

/** What is counted on everything before a day, before rows are built. */
export interface Survey {
  readonly vocabulary: VisitVocabulary;
  /** Columns of the feature vector that a model may use. */
  readonly columns: readonly number[];
  /** How what is said of users is encoded behind those columns; null where nothing is said. */
  readonly profile: AttributeEncoder | null;
}

/**
 * Counts the vocabulary of visits on what happened before `day`, sees which event types the shop has, and fits the
 * encoding of profiles on what was valid before it.
 */
export async function survey(
  store: ObjectStore,
  manifest: RunManifest,
  users: RunUsers,
  day: number,
  firstDay: number,
): Promise<Survey> {
  const counter = new VocabularyCounter();
  const types = new Set<EventType>();
  for await (const { user, itemText } of eachUser(users, day)) {
    user.advance(day);
    counter.add(user.state.visits, itemText);
    addTypes(user.state, types);
  }
  const columns = usableColumns(manifest.config, types, day - firstDay);
  const profile = await fitProfiles(store, manifest, day);
  return { vocabulary: counter.finish(), columns, profile };
}

/**
 * Builds the rows of all users known at each cut-off.
 * @param cutoffs ascending
 * @param length visits that are read; 0: none
 * @param texts are texts read?
 * @param limit rows at most: beyond it, users at cut-offs are drawn by the user's hash
 */
export async function buildUserRows(args: {
  store: ObjectStore;
  manifest: RunManifest;
  users: RunUsers;
  tasks: readonly string[];
  heads: readonly Head[];
  cutoffs: readonly number[];
  survey: Survey;
  length: number;
  texts: boolean;
  limit: number;
}): Promise<UserRows> {
  const { store, manifest, users, tasks, heads, cutoffs, length, limit } = args;
  const { vocabulary, columns, profile } = args.survey;
  const { config } = manifest;
  const asOf = parseDay(manifest.asOf!);
  const all = featureNames(config);
  const names = [...Array.from(columns, (j) => all[j]!), ...profileNames(profile)];
  const width = names.length;
  const whole = new Float32Array(all.length);
  const outputs = heads.reduce((sum, head) => sum + head.bins, 0);
  const read = args.texts ? config.text : undefined;
  const texts = read && (await openTexts(store, manifest, read));
  const places = read ? textPlaces(config, read) : 0;
  const numbers = new TextNumbers();
  const span = { from: Math.min(...cutoffs), before: Math.max(...cutoffs) };
  const table = new RowTable(
    {
      width,
      outputs,
      tasks: tasks.length,
      visitIds: length * VISIT_FIELDS,
      texts: places * TEXT_FIELDS,
    },
    limit,
  );
  const asking = await openAsking(store, manifest, namedTasks(config, tasks));
  let asked: Asked | undefined;
  let encoder: VisitEncoder | undefined;
  let text: ((id: number) => string) | undefined;
  let profiles: ProfileWriter | undefined;
  let textWriter: TextWriter | undefined;
  for await (const { user, itemText, items, shard, walk } of eachUser(users, asOf)) {
    const unit = stableUnit('training', user.user);
    if (itemText !== text || !encoder || !profiles || !asked) {
      asked = await asking.shard(shard, walk, cutoffs);
      encoder = new VisitEncoder(vocabulary, length, itemText);
      profiles = await openProfiles(store, manifest, profile, shard);
      textWriter = await texts?.shard(shard, numbers, items, span);
    }
    text = itemText;
    for (const cutoff of cutoffs) {
      user.advance(cutoff);
      const known = tasks.map((_, t) => asked!.asks(t, user, cutoff));
      if (!known.includes(true)) continue;
      const row = table.add(unit, cutoff);
      if (row === undefined) continue;
      featureVector(user.state, cutoff, config, whole);
      columns.forEach((j, k) => {
        table.features[row * width + k] = whole[j]!;
      });
      profiles.write(user.user, cutoff, table.features, row * width + columns.length);
      checkFinite(user.user, table.features, row * width, names);
      textWriter?.write(user, cutoff, table.texts, row * places * TEXT_FIELDS);
      if (length > 0) {
        const at = row * length * VISIT_FIELDS;
        table.visits[row] = encoder.encode(user.state.visits, cutoff, table.visitIds, at);
      }
      let output = row * outputs;
      heads.forEach(({ task: name, bins, inverted }, t) => {
        const task = userTask(config, name);
        const type = eventCode(task.event);
        const edges = binEdges(task.horizonDays, bins);
        let atRisk = known[t]!;
        for (let k = 0; k < bins; k++, output++) {
          const event = happens(user.outcomes, cutoff + edges[k]!, edges[k + 1]! - edges[k]!, type);
          table.labels[output] = atRisk ? Number(event) : Number.NaN;
          if (event) atRisk = false;
        }
        const outcome = happens(user.outcomes, cutoff, task.horizonDays, type) !== inverted;
        table.outcomes[row * tasks.length + t] = known[t] ? Number(outcome) : Number.NaN;
      });
    }
  }
  return table.finish(numbers.texts);
}
