import { gateSettings } from '../../config/index.ts';
import { DataError, formatDay, stableUnit } from '../../data/index.ts';
import { type Champion, championOf, championsOf, hasModel, readModelFiles } from '../../registry/index.ts';
import type { LatestRows } from '../candidates/index.ts';
import { FAMILIES } from '../families.ts';
import { figuresOf } from '../figures.ts';
import { probabilityOf, userGroups } from '../shared/index.ts';
import { FEWEST_ROWS, type GateCheck, qualityChecks, scoreChecks } from './checks.ts';
import { comparePaired, type PairedRows } from './compare.ts';
import { heldOutChecks } from './held-out.ts';
import { type Sample, type SampleContext, sampleScores } from './sample.ts';

/** Fewer of either outcome tell nothing of which version is better. */
const FEWEST_OF_EACH = 10;

/** What was found of a version before it may serve. */
export interface Findings {
  /** Who it was compared with, and who scores where it is refused; null: nobody serves, or none whose model stands. */
  readonly champion: string | null;
  /** Who was named champion when it was looked at; null: nobody, or somebody who was trained as of a later day. */
  readonly replaces: string | null;
  readonly checks: readonly GateCheck[];
  /** What could not be known, one sentence each. */
  readonly unknown: readonly string[];
}

/**
 * Compares a version that was just trained with the one that serves its group. Three things are looked at: rows that neither
 * has seen, tonight's scores, and what the trainings said of themselves.
 *
 * Rows that neither has seen are those of the challenger's latest trial: its chosen form, fitted on what was known by a past day
 * whose windows are over by now, said what would come of each user. The other side is the version that was in
 * place by that day; its scores of the same users as of that day are computed anew.
 * @param latest of the training; none where it knows no such rows
 */
export async function judge(
  context: SampleContext,
  version: string,
  latest: readonly LatestRows[],
): Promise<Findings> {
  const { store, manifest, group } = context;
  const settings = gateSettings(manifest.config);
  const replaces = await championOf(store, group.name, manifest.asOf ?? undefined);
  const champion = replaces !== null && (await hasModel(store, group.name, replaces)) ? replaces : null;
  const checks = await tonight(context, version, champion);
  if (champion === null) return { champion, replaces, checks, unknown: [] };
  const described = async (one: string) =>
    figuresOf(
      FAMILIES[group.kind].describe(await readModelFiles(store, group.name, one), manifest.config, group),
    );
  const paired = await pairedChecks(context, latest);
  const others = group.tasks.filter((task) => !paired.checks.some((one) => one.task === task));
  const heldOut = heldOutChecks(await described(version), await described(champion), others, settings);
  const silent = others.filter((task) => !paired.why.has(task) && !heldOut.some((one) => one.task === task));
  return {
    champion,
    replaces,
    checks: [...paired.checks, ...checks, ...heldOut],
    unknown: [
      ...[...paired.why].map(([task, why]) => `${task}: ${why}`),
      ...silent.map(
        (task) => `${task}: nothing was held out by both trainings, so their quality is not compared`,
      ),
      ...(paired.since === undefined
        ? []
        : [
            `what has changed since the windows that began on ${formatDay(paired.since)} is seen in tonight's scores alone`,
          ]),
    ],
  };
}

/**
 * Tonight's scores of the challenger, and of the champion on the same users. A model that says no number is a finding; a store that is away is
 * none, and the job is started again.
 */
async function tonight(
  context: SampleContext,
  version: string,
  champion: string | null,
): Promise<GateCheck[]> {
  let own: Sample;
  try {
    own = await sampleScores(context, version);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const said = `it cannot score: ${error.message}`;
    return context.group.tasks.map((task) => ({ task, check: 'fails', passed: false, said }));
  }
  const before = champion === null ? undefined : await sampleScores(context, champion);
  return scoreChecks(own, before, gateSettings(context.manifest.config));
}

/** Measures on rows that neither version has seen, task by task. */
interface PairedChecks {
  readonly checks: readonly GateCheck[];
  /** Why a task has none. */
  readonly why: ReadonlyMap<string, string>;
  /** Shop day on which the newest windows that were compared began; undefined where none were. */
  readonly since: number | undefined;
}

async function pairedChecks(context: SampleContext, latest: readonly LatestRows[]): Promise<PairedChecks> {
  const { store, manifest, group } = context;
  const settings = gateSettings(manifest.config);
  const { champions, withdrawn } = await championsOf(store, group.name);
  const served = champions.filter(({ version }) => !withdrawn.includes(version));
  const samples = new Map<string, Promise<Sample>>();
  const compared: { task: string; day: number; group?: string; rows: PairedRows }[] = [];
  const why = new Map<string, string>();
  const groups = new Map<number, ReturnType<typeof userGroups>>();
  for (const rows of latest) {
    const { task, day } = rows;
    const inPlace = await servedBy(served, formatDay(day), (version) => hasModel(store, group.name, version));
    if (!inPlace) {
      why.set(
        task,
        `the newest windows that are over began on ${formatDay(day)}, and no version that still stands was trained by then: ` +
          'there are no users that neither version has learnt from',
      );
      continue;
    }
    const key = `${inPlace.version} ${day}`;
    let sample = samples.get(key);
    if (!sample) samples.set(key, (sample = sampleScores(context, inPlace.version, formatDay(day))));
    const { paired, users } = joinRows(rows, await sample);
    if (!isEnough(paired.labels)) {
      why.set(
        task,
        `of the windows that began on ${formatDay(day)} ${paired.labels.length} are of users whom both versions score: too few to tell them apart`,
      );
      continue;
    }
    compared.push({ task, day, rows: paired });
    let named = groups.get(day);
    if (!named) groups.set(day, (named = userGroups(store, manifest, formatDay(day))));
    for (const { attribute, groupOf } of await named) {
      for (const [name, own] of byGroup(paired, users, groupOf)) {
        if (isEnough(own.labels)) compared.push({ task, day, group: `${attribute} ${name}`, rows: own });
      }
    }
  }
  const checks = compared.flatMap(({ rows, ...of }) =>
    qualityChecks(of, comparePaired(rows, compared.length), settings),
  );
  const since = compared.length > 0 ? Math.max(...compared.map(({ day }) => day)) : undefined;
  return { checks, why, since };
}

/** The newest version that was trained as of a day or before, and still stands. */
async function servedBy(
  served: readonly Champion[],
  asOf: string,
  stands: (version: string) => Promise<boolean>,
): Promise<Champion | undefined> {
  const known = served
    .filter((one) => one.asOf !== null && one.asOf <= asOf)
    .sort((a, b) => (a.asOf! > b.asOf! ? -1 : 1));
  for (const one of known) if (await stands(one.version)) return one;
  return undefined;
}

/** The rows of users whom both versions score. Two users whose numbers are equal cannot be told apart and are left out. */
function joinRows(
  { task, users, labels, logits }: LatestRows,
  sample: Sample,
): { readonly paired: PairedRows; readonly users: readonly string[] } {
  const said = sample.numbers.get(task);
  const known = new Map<number, number | null>();
  sample.users.forEach((user, i) => {
    const unit = Math.fround(stableUnit('training', user));
    known.set(unit, known.has(unit) ? null : i);
  });
  const paired = { labels: [] as number[], challenger: [] as number[], champion: [] as number[] };
  const names: string[] = [];
  users.forEach((unit, row) => {
    const at = known.get(unit);
    if (at === undefined || at === null || !said || Number.isNaN(said[at]!)) return;
    paired.labels.push(labels[row]!);
    paired.challenger.push(probabilityOf(logits[row]!));
    paired.champion.push(said[at]!);
    names.push(sample.users[at]!);
  });
  return { paired, users: names };
}

function byGroup(
  rows: PairedRows,
  users: readonly string[],
  groupOf: (user: string) => string,
): [string, PairedRows][] {
  const members = new Map<string, number[]>();
  users.forEach((user, i) => {
    const group = groupOf(user);
    const own = members.get(group);
    if (own) own.push(i);
    else members.set(group, [i]);
  });
  const of = (values: readonly number[], own: readonly number[]) => own.map((i) => values[i]!);
  return [...members]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, own]) => [
      group,
      {
        labels: of(rows.labels, own),
        challenger: of(rows.challenger, own),
        champion: of(rows.champion, own),
      },
    ]);
}

function isEnough(labels: readonly number[]): boolean {
  const positives = labels.reduce((sum, label) => sum + label, 0);
  return labels.length >= FEWEST_ROWS && Math.min(positives, labels.length - positives) >= FEWEST_OF_EACH;
}
