import { createReadStream, readdirSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { ConfigError } from '../../lib/data/index.ts';
import { evaluateRun, horizonOf, metricsOf } from '../../lib/evaluate/index.ts';
import type { Outcomes } from '../../lib/models/index.ts';
import type { RunReport } from '../../lib/report/index.ts';
import { markAtWork } from '../../lib/runtime/index.ts';
import { EXAMPLES, exampleDrops } from '../example-data.ts';
import { openWorkspace } from '../workspace.ts';
import { checkStep, ingestStep, planStep, type RunContext, stageStep } from './run.ts';
import { fixed, runSteps, type Step, table, thousands } from './shared.ts';
import { validationJson, validationText } from './validation-table.ts';

const AS_OF = '2011-09-10';
const EXAMPLE = 'online-retail';

interface DemoContext extends RunContext {
  readonly files: string[];
  readonly data: string;
  outcomes?: Record<string, Outcomes>;
  report?: string;
}

/**
 * `nightjar demo`: the whole job on real data. The days before the as-of day are dropped and every user is scored; then
 * the days after it are dropped, and the scores are compared with what happened.
 */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      `score every customer of the online-retail example as of ${AS_OF}, then look at the 90 days after`,
    )
    .option('--data <folder>', "folder with the daily files, YYYY-MM-DD.csv.gz (default: the example's)")
    .option('--json', 'print the result for a machine')
    .action(async (options: { data?: string; json?: boolean }, command: Command) => {
      const { store } = command.optsWithGlobals<{ store?: string }>();
      const root = resolve(store ?? '.nightjar/demo');
      const working = command.name();
      // The demo shows a first night: what an earlier one left would be skipped.
      if (!store) {
        await markAtWork(root, working);
        await empty(root);
      }
      const config = join(EXAMPLES, EXAMPLE);
      const workspace = await openWorkspace({ config, store: root, ...(store ? { working } : {}) });
      const data = resolve(options.data ?? join((await exampleDrops(EXAMPLE))!, 'transactions'));
      const files = readdirSync(data)
        .filter((name) => /^\d{4}-\d{2}-\d{2}\.csv(\.gz)?$/.test(name))
        .sort();
      if (files.length === 0) throw new ConfigError(`${data} holds no daily files (YYYY-MM-DD.csv.gz)`);
      const context: DemoContext = { workspace, files, data, seconds: {} };
      const before = files.filter((name) => name < AS_OF);
      const after = files.filter((name) => name >= AS_OF);
      await runSteps<DemoContext>(
        context,
        [
          dropStep(`drop the ${before.length} days before ${AS_OF}`, before),
          ingestStep,
          planStep({ purpose: 'night', asOf: AS_OF }),
          checkStep,
          stageStep('finetune'),
          stageStep('score'),
          stageStep('export'),
          dropStep(`drop the ${after.length} days after`, after),
          ingestStep,
          compareStep,
        ],
        options.json ?? false,
      );
      print(context, options.json ?? false);
    });
}

/** Removes all objects of a store's folder. */
async function empty(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith('.')) await rm(join(root, name), { recursive: true, force: true });
  }
}

const dropStep = (title: string, files: readonly string[]): Step<DemoContext> => ({
  title,
  async run({ workspace, data }, tell) {
    for (const name of files) {
      tell(name);
      await workspace.store.put(`drop/transactions/${name}`, createReadStream(join(data, name)));
    }
    return undefined;
  },
});

const compareStep: Step<DemoContext> = {
  title: 'compare with what happened',
  async run(context) {
    const { workspace, planned, drops, seconds } = context;
    const { store } = workspace;
    const evaluated = await evaluateRun({
      store,
      runId: planned!.runId,
      drops: drops!,
      seconds,
      now: () => new Date(),
    });
    context.outcomes = evaluated.outcomes;
    context.page = evaluated.report;
    context.report = join(workspace.root, evaluated.path);
    return undefined;
  },
};

function print(context: DemoContext, json: boolean): void {
  const { workspace, planned, seconds, drops, outcomes } = context;
  const { runId } = planned!;
  const quality = drops!.flatMap((drop) => (drop.state === 'done' ? drop.quality : []));
  const sum = (of: (q: (typeof quality)[number]) => number) => quality.reduce((total, q) => total + of(q), 0);
  const rows = {
    files: drops!.length,
    rowsIn: sum((q) => q.rowsIn),
    clean: sum((q) => q.clean),
    duplicates: sum((q) => q.duplicates.found),
    quarantined: sum((q) => q.quarantinedRows),
  };
  const metrics = Object.entries(outcomes!).map(([task, own]) => ({
    task,
    horizonDays: horizonOf(workspace, task),
    ...metricsOf(own),
  }));
  const exported = `${workspace.root}/exports/as_of=${AS_OF}/${runId}`;
  if (json) {
    console.log(
      JSON.stringify({
        runId,
        asOf: AS_OF,
        rows,
        seconds,
        metrics,
        validation: validationJson(context.page!),
        exports: exported,
        report: context.report,
      }),
    );
    return;
  }
  console.log(
    `\n${thousands(rows.rowsIn)} lines in ${rows.files} files = ${thousands(rows.clean)} clean + ` +
      `${thousands(rows.quarantined)} quarantined (${thousands(rows.duplicates)} equal lines, kept)\n`,
  );
  console.log(stageTable(rows, context.page!, seconds));
  console.log('');
  console.log(metricTable(metrics.filter(ofUsers)));
  console.log(`\nBefore that, on data held out at training:\n${validationText(context.page!)}`);
  console.log(`\nexports  ${exported}\nreport   ${context.report}`);
}

/** Clean reads all files; the night reads those before the as-of day and scores everyone known by then. */
function stageTable(
  rows: { rowsIn: number; clean: number; quarantined: number },
  { stages, exports: exported }: RunReport,
  seconds: RunContext['seconds'],
): string {
  const read = stages.find(({ name }) => name === 'clean')!.rowsOut;
  const users = exported!.users;
  return table(
    ['stage', 'rows in', 'rows out', 'quarantined', 'seconds'],
    [
      ['clean, features', rows.rowsIn, rows.clean, rows.quarantined, seconds.clean ?? 0],
      ['finetune', read, '–', '–', seconds.finetune ?? 0],
      ['score', read, users, 0, seconds.score ?? 0],
      ['export', users, users, 0, seconds.export ?? 0],
    ],
  );
}

type Metric = { task: string; horizonDays: number } & Exclude<
  ReturnType<typeof metricsOf>,
  { wape: unknown } | { qini: unknown } | { r2: unknown } | { macroF1: unknown }
>;

/** The example has no task over items, none of a treatment, and none over a labelled table that tells more than yes or no. */
const ofUsers = (metric: object): metric is Metric =>
  !('wape' in metric || 'qini' in metric || 'r2' in metric || 'macroF1' in metric);

function metricTable(metrics: readonly Metric[]): string {
  const values = metrics.flatMap((m) =>
    'spearman' in m
      ? [
          [
            ...[m.task, m.horizonDays, m.n, fixed(m.mean, 1), fixed(m.meanExpected, 1), fixed(m.spearman)],
            ...[fixed(m.topShare10), fixed(m.mae, 1), fixed(m.coverage80)],
          ],
        ]
      : [],
  );
  const heads = [
    ...['task', 'days', 'n', 'base rate', 'AUROC', 'AUPR', 'log loss', 'Brier', 'ECE', 'lift10'],
    ...['recall@k', 'NDCG@k'],
  ];
  const ranked = table(
    heads,
    metrics.flatMap((m) => {
      if ('spearman' in m) return [];
      if ('recall' in m) {
        const none = new Array(7).fill('–');
        return [[m.task, m.horizonDays, m.n, ...none, fixed(m.recall), fixed(m.ndcg)]];
      }
      return [
        [
          ...[m.task, m.horizonDays, m.n, fixed(m.baseRate), fixed(m.auroc), fixed(m.auprc)],
          ...[fixed(m.logLoss), fixed(m.brier), fixed(m.ece), fixed(m.lift10), '–', '–'],
        ],
      ];
    }),
  );
  if (values.length === 0) return ranked;
  const of = ['task', 'days', 'n', 'mean', 'expected', 'Spearman', 'first 10 % hold', 'MAE', 'within 80 %'];
  return `${ranked}\n\n${table(of, values)}`;
}
