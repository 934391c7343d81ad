import { gateSettings } from '../../config/index.ts';
import { formatDay, stableUnit } from '../../data/index.ts';
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
  /** Who served when it was looked at; null: nobody, or somebody who was trained as of a later day. */
  readonly champion: string | null;
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
  const champion = await championOf(store, group.name, manifest.asOf ?? undefined);
  const { checks, unknown } = await tonight(context, version, champion);
  if (champion === null) return { champion, checks, unknown };
  const described = async (one: string) =>
    figuresOf(
      FAMILIES[group.kind].describe(await readModelFiles(store, group.name, one), manifest.config, group),
    );
  const paired = await pairedChecks(context, latest);
  const compared = new Set(paired.checks.map(({ task }) => task));
  const others = group.tasks.filter((task) => !compared.has(task));
  const heldOut = heldOutChecks(await described(version), await described(champion), others, settings);
  return {
    champion,
    checks: [...paired.checks, ...checks, ...heldOut],
    unknown: [...unknown, ...paired.unknown, ...notCompared(others, heldOut, paired.unknown)],
  };
}

/** Tonight's scores of the challenger, and of the champion on the same users. */
async function tonight(
  context: SampleContext,
  version: string,
  champion: string | null,
): Promise<Pick<Findings, 'unknown'> & { readonly checks: GateCheck[] }> {
  const settings = gateSettings(context.manifest.config);
  let own: Sample;
  try {
    own = await sampleScores(context, version);
  } catch (error) {
    const said = `it cannot score: ${error instanceof Error ? error.message : String(error)}`;
    return {
      checks: context.group.tasks.map((task) => ({ task, check: 'scores', passed: false, said })),
      unknown: [],
    };
  }
  const before = champion === null ? undefined : await sampleScores(context, champion);
  return { checks: scoreChecks(own, before, settings), unknown: [] };
}

/** Measures on rows that neither version has seen, task by task. */
async function pairedChecks(
  context: SampleContext,
  latest: readonly LatestRows[],
): Promise<Pick<Findings, 'checks' | 'unknown'>> {
  const { store, manifest, group } = context;
  const settings = gateSettings(manifest.config);
  const { champions, withdrawn } = await championsOf(store, group.name);
  const served = champions.filter(({ version }) => !withdrawn.includes(version));
  const samples = new Map<string, Promise<Sample>>();
  const compared: { task: string; day: number; group?: string; rows: PairedRows }[] = [];
  const unknown: string[] = [];
  for (const rows of latest) {
    const { task, day } = rows;
    const inPlace = await servedBy(served, formatDay(day), (version) => hasModel(store, group.name, version));
    if (!inPlace) {
      unknown.push(
        `${task}: the newest windows that are over began on ${formatDay(day)}, and no version that still stands was trained by then: ` +
          'there are no users that neither version has learnt from',
      );
      continue;
    }
    const key = `${inPlace.version} ${day}`;
    let sample = samples.get(key);
    if (!sample) samples.set(key, (sample = sampleScores(context, inPlace.version, formatDay(day))));
    const found = joinRows(rows, await sample);
    const { paired, users } = found;
    if (!isEnough(paired.labels)) {
      unknown.push(
        `${task}: of the windows that began on ${formatDay(day)} ${paired.labels.length} are of users whom both versions score: too few to tell them apart`,
      );
      continue;
    }
    compared.push({ task, day, rows: paired });
    for (const { attribute, groupOf } of await userGroups(store, manifest, formatDay(day))) {
      for (const [name, own] of byGroup(paired, users, groupOf)) {
        if (isEnough(own.labels)) compared.push({ task, day, group: `${attribute} ${name}`, rows: own });
      }
    }
  }
  const checks = compared.flatMap(({ rows, ...of }) =>
    qualityChecks(of, comparePaired(rows, compared.length), settings),
  );
  const newest = Math.max(...compared.map(({ day }) => day));
  if (checks.length > 0) {
    unknown.push(
      `what has changed since the windows that began on ${formatDay(newest)} is seen in tonight's scores alone`,
    );
  }
  return { checks, unknown };
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

/** Tasks of which nothing is known but how tonight's scores lie. */
function notCompared(
  tasks: readonly string[],
  heldOut: readonly GateCheck[],
  told: readonly string[],
): string[] {
  return tasks
    .filter(
      (task) => !heldOut.some((one) => one.task === task) && !told.some((one) => one.startsWith(`${task}:`)),
    )
    .map((task) => `${task}: nothing was held out by both trainings, so their quality is not compared`);
}
