import { type Config, MOST_IN_AUDIENCE } from '../config/index.ts';
import { inControl } from '../data/index.ts';
import type { DescribedAudience } from '../models/index.ts';
import { withScratch } from '../runtime/index.ts';
import { textsOf } from '../score/index.ts';
import type { StepContext } from './context.ts';
import type { CsvWriter } from './csv.ts';
import type { AudienceSummary, ExportFile, Format } from './manifest.ts';
import { readScores } from './shard-rows.ts';
import { type ExportTable, inOrder } from './table.ts';
import { type Column, writeTableFile } from './table-file.ts';

/** The columns of an audience, in order; docs/exports.md has its table from here. */
export const LIKELY_COLUMNS: readonly Column[] = [
  { name: 'rank', type: 'INTEGER', means: '1 is the highest probability; the order of the rows' },
  { name: 'user_id', type: 'VARCHAR', means: 'as in `users`' },
  { name: 'as_of_day', type: 'DATE', means: 'as in `users`' },
  {
    name: 'probability',
    type: 'DOUBLE',
    means:
      "chance that the user takes the value, or does what the task asks about, within the task's horizon",
  },
  { name: 'control', type: 'BOOLEAN', means: 'held out of campaigns, see [Control group](#control-group)' },
];

type Settings = NonNullable<Config['exports']['audiences']>[string];

interface Likely {
  readonly user: string;
  readonly probability: number;
}

/** Highest first; equal ones by pseudonym, which depends on no order of arrival. */
const likeliest = (a: Likely, b: Likely): number =>
  b.probability - a.probability || (a.user < b.user ? -1 : 1);

/**
 * Writes the users that are most likely to do something, one table for each audience. Shards are read one by one, and of
 * an audience no more than twice its most users are held.
 * @param described what the models know of the audiences of list tasks
 */
export async function writeAudienceTables(args: {
  context: Omit<StepContext, 'folder'>;
  wanted: Readonly<Record<string, Settings>>;
  users: ExportTable;
  described: ReadonlyMap<string, DescribedAudience>;
  keysOf: (name: string) => Partial<Readonly<Record<Format, string>>>;
  tell: (text: string) => void;
}): Promise<{ files: ExportFile[]; audiences: AudienceSummary[] }> {
  const { context, wanted, users, described, keysOf, tell } = args;
  const files: ExportFile[] = [];
  const audiences: AudienceSummary[] = [];
  for (const [name, settings] of Object.entries(wanted).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { task, value } = settings;
    const learnt = described.get(name);
    const of = { name, task, ...(value === undefined ? {} : { value }) };
    const none = { ...of, users: 0, controlUsers: 0 };
    const missing = whyNot(settings, learnt);
    if (missing !== undefined) {
      audiences.push({ ...none, why: missing });
      continue;
    }
    const { picked, asked, highest, more } = await pick(context, name, settings, users);
    if (picked.length === 0) {
      audiences.push({ ...none, why: whyEmpty(settings, asked, highest) });
      continue;
    }
    const { asOf, controlShare } = users.shape;
    const ids = context.pseudonyms.openAll(picked.map(({ user }) => user));
    const control = picked.map(({ user }) => inControl(user, controlShare));
    const keys = keysOf(name);
    const written = await withScratch('export', (folder) =>
      writeTableFile({
        ...{ ...context, folder, keys, table: `audiences/${name}`, name },
        ...{ columns: LIKELY_COLUMNS, rows: picked.length },
        records: (csv) => records(csv, asOf ?? '', picked, ids, control),
      }),
    );
    files.push(...inOrder(Object.keys(keys) as Format[], written));
    tell(`audience ${name}: ${picked.length} users`);
    const { validation } = learnt ?? {};
    audiences.push({
      ...of,
      users: picked.length,
      controlUsers: control.filter(Boolean).length,
      lowest: picked.at(-1)!.probability,
      expected: picked.reduce((sum, { probability }) => sum + probability, 0) / picked.length,
      ...(validation && sameRule(validation.rule, settings) ? { validation } : {}),
      ...(more
        ? { why: `more than ${MOST_IN_AUDIENCE} users are above ${settings.above}: these come first` }
        : {}),
    });
  }
  return { files, audiences };
}

/** Was it measured by the rule that the config has now? */
const sameRule = (
  rule: NonNullable<DescribedAudience['validation']>['rule'],
  { top, above }: Settings,
): boolean => ('top' in rule ? rule.top === top : rule.above === above);

/** Why a model cannot tell who is likely; undefined where it can. */
function whyNot({ task, value }: Settings, learnt: DescribedAudience | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (learnt === undefined || learnt.value !== value) {
    return `the model of "${task}" was trained before this audience was asked for: the next training learns it`;
  }
  return learnt.why;
}

function whyEmpty({ above, value }: Settings, asked: number, highest: number): string {
  if (asked > 0)
    return `nobody's probability is above ${above}: the highest of ${asked} users is ${highest.toFixed(4)}`;
  return value === undefined
    ? 'the task asks nobody, or has no model yet'
    : `no user is known who could be asked, or no item of the value "${value}" was had before the as-of day`;
}

async function pick(
  { store }: Pick<StepContext, 'store'>,
  name: string,
  { task, value, top, above = 0 }: Settings,
  { scores }: ExportTable,
): Promise<{ picked: Likely[]; asked: number; highest: number; more: boolean }> {
  const most = top ?? MOST_IN_AUDIENCE;
  let picked: Likely[] = [];
  let [asked, highest, passed] = [0, 0, 0];
  const cut = () => {
    picked = picked.sort(likeliest).slice(0, most);
  };
  for (const key of scores) {
    const columns = await readScores(store, key);
    const chances = value === undefined ? columns.tasks[task]?.probability : columns.audiences[name];
    if (!chances) continue;
    const users = textsOf(columns.users, columns.rows);
    chances.forEach((probability, row) => {
      if (Number.isNaN(probability)) return;
      asked++;
      highest = Math.max(highest, probability);
      if (!(probability > above)) return;
      passed++;
      picked.push({ user: users[row] ?? '', probability });
      if (picked.length >= 2 * most) cut();
    });
  }
  cut();
  return { picked, asked, highest, more: top === undefined && passed > most };
}

function* records(
  csv: CsvWriter,
  asOf: string,
  picked: readonly Likely[],
  ids: readonly string[],
  control: readonly boolean[],
): Generator<void> {
  for (const [i, { probability }] of picked.entries()) {
    csv.whole(i + 1);
    csv.text(ids[i]!);
    csv.plain(asOf);
    csv.plain(String(probability));
    csv.plain(String(control[i]));
    csv.end();
    yield;
  }
}
