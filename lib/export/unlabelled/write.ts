import { formatDay, inControl, type Pseudonyms, shopClock } from '../../data/index.ts';
import { overUsers, type RunManifest, unlabelledOf, unlabelledScoresKey } from '../../run/index.ts';
import { type ObjectStore, withScratch } from '../../runtime/index.ts';
import { type ScoreColumns, textsOf } from '../../score/index.ts';
import type { CsvWriter } from '../csv.ts';
import { answersOf, writeLabelFields } from '../label-fields.ts';
import type { ExportFile, Format } from '../manifest.ts';
import { comparerOf, readScores } from '../shard-rows.ts';
import { decileOf } from '../table.ts';
import { type Column, writeTableFile } from '../table-file.ts';
import { rowColumns, senderColumns, type UnlabelledAnswers } from './columns.ts';
import { type Sender, sendersOf, writeAnswers } from './senders.ts';

interface Settings {
  readonly store: ObjectStore;
  readonly pseudonyms: Pseudonyms;
  readonly guardFormulas: boolean;
}

/** The answers to a task's rows without a label, in the shop's own ids. */
interface Answered extends UnlabelledAnswers {
  readonly asOf: string;
  readonly modelVersion: string;
  readonly columns: ScoreColumns;
  readonly ids: readonly string[];
  readonly pseudonyms: readonly (string | null)[];
  readonly users: readonly (string | null)[];
  /** ms UTC. */
  readonly times: Float64Array;
  readonly dayOf: (row: number) => string;
}

/**
 * Writes a table of the rows without a label that each task of the run answers, and, where they name users, one with a row for each
 * of those.
 * @throws DataError when the run has not scored them
 */
export async function writeUnlabelled(
  settings: Settings,
  runId: string,
  manifest: RunManifest,
  versions: Readonly<Record<string, string>>,
  keysOf: (table: string) => Partial<Readonly<Record<Format, string>>>,
): Promise<ExportFile[]> {
  const { config, groups, asOf } = manifest;
  const files: ExportFile[] = [];
  for (const group of groups) {
    const task = group.tasks[0]!;
    const asked = unlabelledOf(config, task);
    const modelVersion = versions[group.name];
    if (overUsers(group) || !asked || asOf === null || modelVersion === undefined) continue;
    const columns = await readScores(settings.store, unlabelledScoresKey(runId, task));
    const { senders, times } = columns.arrived!;
    const pseudonyms = textsOf(senders, columns.rows);
    const clock = shopClock(config.shop.timeZone);
    const answered: Answered = {
      ...{ task, form: answersOf(config, task)?.form ?? 'yes-no', asOf, modelVersion, columns, times },
      ids: textsOf(columns.users, columns.rows).map((id) => id ?? ''),
      pseudonyms,
      users: opened(settings.pseudonyms, pseudonyms),
      dayOf: (row) => formatDay(clock(times[row]!).day),
    };
    const write = (name: string, of: Column[], rows: number, records: (csv: CsvWriter) => Iterable<void>) =>
      withScratch('export', (folder) =>
        writeTableFile({
          ...{
            store: settings.store,
            guardFormulas: settings.guardFormulas,
            folder,
            name,
            table: name,
            rows,
          },
          ...{ keys: keysOf(name), columns: of, records },
        }),
      );
    files.push(
      ...(await write(`unlabelled-${task}`, rowColumns(answered), columns.rows, (csv) =>
        rowRecords(csv, answered),
      )),
    );
    const source = config.sources[asked.source];
    if (source?.table !== 'unlabelled' || source.columns.user === undefined) continue;
    const compare = comparerOf(answered.users.map((user) => user ?? ''));
    const each = sendersOf(answered.users, times).sort((a, b) => compare(a.user, b.user));
    files.push(
      ...(await write(`unlabelled-users-${task}`, senderColumns(answered), each.length, (csv) =>
        senderRecords(csv, answered, each, config.exports.controlShare),
      )),
    );
  }
  return files;
}

function opened(pseudonyms: Pseudonyms, sealed: readonly (string | null)[]): (string | null)[] {
  const ids = pseudonyms.openAll(sealed.filter((one) => one !== null));
  let next = 0;
  return sealed.map((one) => (one === null ? null : ids[next++]!));
}

function* rowRecords(csv: CsvWriter, answered: Answered): Generator<void> {
  const { task, form, columns, ids, users, times, asOf, dayOf, modelVersion } = answered;
  const ranks = form === 'yes-no' ? ranksOf(columns.tasks[task]!.logit) : undefined;
  for (const [row, id] of ids.entries()) {
    csv.text(id);
    textOrEmpty(csv, users[row]!);
    csv.plain(asOf);
    csv.plain(new Date(times[row]!).toISOString());
    csv.plain(dayOf(row));
    if (form !== 'yes-no') writeLabelFields(csv, { task, form }, columns, row);
    else {
      const { probability, reasons } = columns.tasks[task]!;
      csv.plain(String(probability[row]));
      csv.whole(decileOf(ranks![row]!, ids.length));
      csv.whole(ranks![row]!);
      csv.cell(reasons, row);
    }
    csv.text(modelVersion);
    csv.end();
    yield;
  }
}

function* senderRecords(
  csv: CsvWriter,
  answered: Answered,
  senders: readonly Sender[],
  controlShare: number,
): Generator<void> {
  const { columns, ids, pseudonyms, asOf, dayOf, modelVersion } = answered;
  for (const sender of senders) {
    const { user, rows } = sender;
    const last = rows.at(-1)!;
    csv.text(user);
    csv.plain(asOf);
    csv.plain(String(inControl(pseudonyms[last]!, controlShare)));
    csv.whole(rows.length);
    csv.text(ids[last]!);
    csv.plain(dayOf(last));
    writeAnswers(csv, answered, columns, sender);
    csv.text(modelVersion);
    csv.end();
    yield;
  }
}

function textOrEmpty(csv: CsvWriter, text: string | null): void {
  if (text === null) csv.empty();
  else csv.text(text);
}

/** Of each row, 1 being the highest; of equal ones the first in the order of ids comes first. */
function ranksOf(logits: Float64Array): Uint32Array {
  const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
  const ranks = new Uint32Array(order.length);
  for (const [place, row] of order.entries()) ranks[row] = place + 1;
  return ranks;
}
