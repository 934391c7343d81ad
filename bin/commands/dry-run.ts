import type { Config } from '../../lib/config/index.ts';
import { type DropFormat, formatRates, RATES } from '../../lib/cost/index.ts';
import { formatDay, NightjarError, parseDay } from '../../lib/data/index.ts';
import type { LeftOut } from '../../lib/models/index.ts';
import { championOf, readModelFile } from '../../lib/registry/index.ts';
import type { RunReport } from '../../lib/report/index.ts';
import {
  checkAsOf,
  type DropState,
  isDated,
  lastDays,
  lastUnlabelledDay,
  listDrops,
  taskGroups,
  unlabelledOf,
} from '../../lib/run/index.ts';
import { type ObjectStore, readJson } from '../../lib/runtime/index.ts';
import type { Workspace } from '../workspace.ts';
import { span } from './eta.ts';
import { thousands } from './shared.ts';

/** What `nightjar run` would do; nothing is written to find out. */
export interface DryRun {
  readonly files: { readonly cleaned: number; readonly pending: number; readonly refused: number };
  /** Bytes of the files that are to be cleaned. */
  readonly pendingBytes: number;
  /** Null where it is decided once all files are cleaned, or for labelled tables alone. */
  readonly asOf: string | null;
  readonly why: string;
  /** Tasks that would be trained, and those that a champion serves, with its version. */
  readonly train: readonly string[];
  readonly served: Readonly<Record<string, string>>;
  /** Users known so far at most; more where files are still to be cleaned. */
  readonly users: number;
  readonly shards: number;
  readonly formats: readonly string[];
  /** Seconds of each stage, roughly. */
  readonly seconds: Readonly<Record<'clean' | 'finetune' | 'score' | 'export', number>>;
  /** What the seconds are taken from. */
  readonly basis: string;
}

/** @throws DataError when the as-of day is beyond the data */
export async function dryRun(
  { store, config }: Workspace,
  options: { readonly asOf?: string | undefined; readonly retrain: boolean },
): Promise<DryRun> {
  const drops = await listDrops(store, config);
  if (drops.length === 0) {
    throw new NightjarError('nothing to run on: nothing was dropped yet ("nightjar drop")');
  }
  const pending = drops.filter(({ state }) => state === 'pending');
  const pendingBytes = pending.reduce((sum, { size }) => sum + size, 0);
  const groups = taskGroups(config);
  const { asOf, why } = await dayOf(store, config, drops, options.asOf);
  const train: string[] = [];
  const served: Record<string, string> = {};
  for (const { name, tasks } of groups) {
    const version = options.retrain ? null : await championOf(store, name, asOf ?? undefined);
    if (version === null) train.push(...tasks);
    else {
      const text = new TextDecoder().decode(await readModelFile(store, name, version, 'manifest.json'));
      const { leftOut = [] }: { leftOut?: readonly LeftOut[] } = JSON.parse(text);
      const without = new Set(leftOut.map(({ task }) => task));
      for (const task of tasks) if (!without.has(task)) served[task] = version;
    }
  }
  const last = await lastReport(store);
  const users = Math.max(
    0,
    ...drops.map((drop) => (drop.state === 'done' ? drop.quality.users : 0)),
    last?.exports?.users ?? 0,
  );
  return {
    files: {
      cleaned: drops.filter(({ state }) => state === 'done').length,
      pending: pending.length,
      refused: drops.filter(({ state }) => state === 'refused').length,
    },
    pendingBytes,
    asOf,
    why,
    train,
    served,
    users,
    shards: config.shards,
    formats: config.exports.formats,
    ...howLong({ pending, pendingBytes, trains: train.length > 0, users, last }),
  };
}

async function dayOf(
  store: ObjectStore,
  config: Config,
  drops: readonly DropState[],
  given: string | undefined,
): Promise<Pick<DryRun, 'asOf' | 'why'>> {
  if (!taskGroups(config).some(isDated)) {
    const came = lastUnlabelledDay(config, drops);
    if (given !== undefined) return { asOf: given, why: 'as asked' };
    const waits = Object.keys(config.tasks).some((name) => unlabelledOf(config, name));
    if (waits && drops.some(({ state }) => state === 'pending'))
      return {
        asOf: null,
        why: 'decided once all files are cleaned: the day after the last rows without a label came',
      };
    if (came === undefined) return { asOf: null, why: 'labelled tables have no day' };
    return { asOf: formatDay(came + 1), why: 'the day after the last rows without a label came' };
  }
  const pending = drops.some(({ state }) => state === 'pending');
  const known = pending ? undefined : await lastDays(store, config, drops);
  if (given !== undefined) {
    if (known) checkAsOf(parseDay(given), known);
    return { asOf: given, why: 'as asked' };
  }
  if (!known)
    return { asOf: null, why: 'decided once all files are cleaned: the day after the last complete one' };
  return { asOf: formatDay(known.complete + 1), why: `the day after the last complete one: ${known.why}` };
}

/** The report of the run that ended last. */
export async function lastReport(store: ObjectStore): Promise<RunReport | undefined> {
  let newest: { key: string; at: number } | undefined;
  for await (const { key, lastModified } of store.list('runs/')) {
    if (!key.endsWith('/report.json')) continue;
    if (!newest || lastModified.getTime() > newest.at) newest = { key, at: lastModified.getTime() };
  }
  return newest && readJson<RunReport>(store, newest.key);
}

/** Seconds that a stage of the last run took, where it did it. */
export const secondsOf = (report: RunReport | undefined, stage: string): number | undefined =>
  report?.stages.find(({ name, seconds }) => name === stage && seconds > 0)?.seconds;

/** As its name says: of formats that were measured the one that is the most like it. */
function formatOf(key: string): DropFormat {
  if (key.endsWith('.parquet')) return 'parquet';
  if (/\.(?:jsonl|ndjson|json)(?:\.\w+)?$/.test(key)) return 'jsonl.gz';
  return /\.(?:gz|zst|zip)$/.test(key) ? 'csv.gz' : 'csv';
}

function howLong(args: {
  pending: readonly DropState[];
  pendingBytes: number;
  trains: boolean;
  users: number;
  last: RunReport | undefined;
}): Pick<DryRun, 'seconds' | 'basis'> {
  const { pending, pendingBytes, trains, users, last } = args;
  const { rates } = RATES;
  const ofRows = pending.reduce((sum, { key, size }) => {
    const { dropBytesPerRow, cleanCpuSecondsPerMillionRows } = formatRates(formatOf(key), rates);
    const perRow = (cleanCpuSecondsPerMillionRows + rates.featuresCpuSecondsPerMillionRows) / 1e6;
    return sum + (size / dropBytesPerRow) * perRow;
  }, 0);
  const perDrop = rates.cleanCpuSecondsPerDrop + rates.featuresCpuSecondsPerDrop;
  const measured = (stage: string, otherwise: number) => secondsOf(last, stage) ?? otherwise;
  return {
    seconds: {
      clean: pendingBytes > 0 ? ofRows + pending.length * perDrop : 0,
      finetune: trains ? measured('finetune', rates.finetuneCpuSeconds) : 0,
      score: measured('score', (rates.scoreCpuSecondsPerMillionUsers * users) / 1e6),
      export: measured('export', (rates.exportCpuSecondsPerMillionUsers * users) / 1e6),
    },
    basis: last ? `the run ${last.runId} on this machine` : `rates of another machine (${RATES.machine})`,
  };
}

/** The same for a person. */
export function dryRunText(dry: DryRun): string {
  const { files, pendingBytes, asOf, why, train, served, users, shards, formats, seconds, basis } = dry;
  const all = files.cleaned + files.pending + files.refused;
  const total = Object.values(seconds).reduce((sum, s) => sum + s, 0);
  const each = Object.entries(seconds)
    .filter(([, s]) => s >= 1)
    .map(([stage, s]) => `${stage} ${span(s)}`);
  const byVersion = Object.entries(served).map(([task, version]) => `${task} (${version})`);
  return [
    `would read    ${thousands(all)} files: ${thousands(files.cleaned)} cleaned already, ${thousands(files.pending)} to be cleaned (${(pendingBytes / 1e6).toFixed(1)} MB), ${thousands(files.refused)} refused`,
    `as of         ${asOf ?? '–'} (${why})`,
    `would train   ${train.length > 0 ? train.join(', ') : 'nothing'}`,
    `served by     ${byVersion.length > 0 ? byVersion.join(', ') : 'no model yet'}`,
    `would score   ${files.pending > 0 ? 'everyone in the files' : `about ${thousands(users)} users`}, in ${shards} ${shards === 1 ? 'shard' : 'shards'}`,
    `would write   exports as ${formats.join(' and ')}, a report`,
    `takes         about ${span(total)}${each.length > 0 ? `: ${each.join(', ')}` : ''} (by ${basis})`,
    'nothing was changed',
  ].join('\n');
}
