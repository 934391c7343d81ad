import { Command, Option } from 'commander';
import { formatDay, NightjarError, parseDay } from '../../lib/data/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import type { IdentityTally } from '../../lib/features/index.ts';
import { checkRun, type LeftOut, leftOutOf, notChampionText, versionsOf } from '../../lib/models/index.ts';
import type { RunReport } from '../../lib/report/index.ts';
import {
  checkAsOf,
  type DropState,
  heldBack,
  identityCounts,
  isDated,
  isFinished,
  lastDays,
  type Missing,
  onlyTables,
  type PlannedRun,
  planRun,
  type RunManifest,
  readManifest,
  replacedCounts,
  type StageName,
  stagesOf,
  submitRun,
  taskGroups,
} from '../../lib/run/index.ts';
import { scoredShards } from '../../lib/score/index.ts';
import type { Workspace } from '../workspace.ts';
import { dryRun, dryRunText, lastReport, secondsOf } from './dry-run.ts';
import { span } from './eta.ts';
import { checkShown } from './held.ts';
import { losses } from './losses.ts';
import { notPromoted } from './not-promoted.ts';
import { dayArgument, runSteps, type Step, workplaceOf, workspaceOf } from './shared.ts';
import { listsJson, validationJson, validationText } from './validation-table.ts';

const asOfOption = () =>
  new Option(
    '--as-of <day>',
    'score as of this shop midnight (YYYY-MM-DD): features use the days before it (default: the day after the last complete one)',
  ).argParser(dayArgument);

/** What steps of a run hand to one another. */
export interface RunContext {
  workspace: Workspace;
  drops?: DropState[];
  planned?: PlannedRun;
  /** Why this day is scored. */
  asOfWhy?: string;
  /** What was found before training. */
  checked?: { readonly leftOut: readonly LeftOut[]; readonly warnings: readonly LeftOut[] };
  page?: RunReport;
  seconds: Partial<Record<StageName | 'clean', number>>;
}

export const ingestStep: Step<RunContext> = {
  title: 'clean and build day rows',
  async run(context, tell) {
    const started = Date.now();
    context.drops = await context.workspace.ingest(tell);
    context.seconds.clean = (context.seconds.clean ?? 0) + (Date.now() - started) / 1000;
    return summary(context.drops);
  },
};

/** '305 drops, 541,909 rows in, 406,829 clean, 135,080 quarantined, 0 refused' */
function summary(drops: readonly DropState[]): string {
  const done = drops.flatMap((drop) => (drop.state === 'done' ? drop.quality : []));
  const sum = (of: (quality: (typeof done)[number]) => number) =>
    done.reduce((total, quality) => total + of(quality), 0).toLocaleString('en-GB');
  const refused = drops.filter(({ state }) => state === 'refused').length;
  const pending = drops.filter(({ state }) => state === 'pending').length;
  return `${drops.length} drops, ${sum((q) => q.rowsIn)} rows in, ${sum((q) => q.clean)} clean, ${sum((q) => q.quarantinedRows)} quarantined, ${refused} refused${pending > 0 ? `, ${pending} not processed` : ''}`;
}

/** Chooses or checks the day, names the inputs, and says where an earlier run is taken up. */
export const planStep = (options: {
  purpose: 'night' | 'backtest';
  asOf: string | null;
  retrain?: boolean;
  only?: string;
}): Step<RunContext> => ({
  title: 'name the inputs',
  async run(context, tell) {
    const { store, config } = context.workspace;
    const drops = context.drops ?? [];
    const days = taskGroups(config, options.only).some(isDated);
    tell('looking at the last days');
    const known = days ? await lastDays(store, config, drops) : undefined;
    let { asOf } = options;
    if (known && asOf !== null) checkAsOf(parseDay(asOf), known);
    if (known && asOf === null && options.purpose === 'night') {
      asOf = formatDay(known.complete + 1);
      context.asOfWhy = `as of ${asOf}, the day after the last complete one: ${known.why}`;
    }
    context.planned = await planRun({ store, config, drops, ...options, asOf });
    const { runId } = context.planned;
    const taken = await takenUp(context.workspace, context.planned);
    return [context.asOfWhy ?? (asOf === null ? undefined : `as of ${asOf}`), taken ?? runId]
      .filter((text) => text !== undefined)
      .join('; ');
  },
});

/** What stands already of a run that was begun before. */
async function takenUp({ store }: Workspace, planned: PlannedRun): Promise<string | undefined> {
  const { runId, manifest, resumed = false } = planned;
  if (await isFinished(store, runId, manifest)) return `${runId} was finished before: nothing is done twice`;
  if (!resumed) return undefined;
  const tables = onlyTables(manifest);
  const trained = await store.head(`runs/${runId}/finetune.json`);
  const scored = tables ? [] : await scoredShards(store, runId, manifest.shards);
  const done = [
    ...(trained ? ['training is done'] : []),
    ...(scored.length > 0 ? [`${scored.length} of ${manifest.shards} shards are scored`] : []),
  ];
  return `goes on with the unfinished run ${runId}${done.length > 0 ? ` (${done.join(', ')})` : ''}`;
}

/** Before anything is trained: which tasks there is enough to learn from. */
export const checkStep: Step<RunContext> = {
  title: 'look whether there is enough to learn from',
  async run(context) {
    const { store } = context.workspace;
    const { runId, manifest } = context.planned!;
    const trains = stagesOf(manifest).includes('finetune');
    if (!trains || (await store.head(`runs/${runId}/finetune.json`))) {
      const versions = await versionsOf(store, runId, manifest);
      const leftOut = await leftOutOf(store, runId, manifest, versions);
      context.checked = { leftOut, warnings: [] };
      return trains ? 'trained before' : 'the models that serve are used';
    }
    context.checked = await checkRun(store, manifest);
    const { leftOut, warnings } = context.checked;
    const notes = [
      ...leftOut.map(({ task, why }) => `${task} is left out: ${why}`),
      ...warnings.map(({ task, why }) => `${task}: ${why}`),
    ];
    return notes.length > 0 ? notes.join('; ') : 'enough for every task';
  },
};

export const stageStep = (stage: StageName): Step<RunContext> => ({
  title: stage,
  async run(context, tell) {
    const { workspace, planned } = context;
    const before = secondsOf(await lastReport(workspace.store), stage);
    if (before !== undefined) tell(`started; it took ${span(before)} the last time`);
    const batch = workspace.batch(tell);
    const stop = () => void batch.close();
    process.once('SIGINT', stop).once('SIGTERM', stop);
    try {
      let done = 'served by the champions';
      await submitRun({
        store: workspace.store,
        batch,
        ...planned!,
        stages: [stage],
        onStage: (_, seconds) => {
          if (seconds === undefined) return;
          context.seconds[stage] = seconds;
          done = `${seconds.toFixed(1)} s`;
        },
      });
      return done;
    } finally {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      await batch.close();
    }
  },
});

export const evaluateStep: Step<RunContext> = {
  title: 'report',
  async run(context) {
    const { path, report } = await evaluateRun({
      store: context.workspace.store,
      runId: context.planned!.runId,
      drops: context.drops!,
      seconds: context.seconds,
      now: () => new Date(),
    });
    context.page = report;
    return path;
  },
};

interface RunOptions {
  readonly asOf?: string;
  readonly retrain?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `nightjar run`: everything, from what lies under drop/ to the export. */
export function runCommand(): Command {
  return new Command('run')
    .description(
      'clean what was dropped, train where no model serves yet, score every user, export and report',
    )
    .addOption(asOfOption())
    .option('--retrain', 'train new models even where a champion serves')
    .option(
      '--dry-run',
      'say what would be read, trained and scored, and how long it would take; change nothing',
    )
    .option('--json', 'print the result for a machine')
    .action(async (options: RunOptions, command: Command) => {
      if (options.dryRun) {
        const workspace = await workspaceOf(command, { looking: true });
        const dry = await dryRun(workspace, { asOf: options.asOf, retrain: options.retrain ?? false });
        console.log(options.json ? JSON.stringify({ dryRun: dry }, null, 2) : dryRunText(dry));
        return;
      }
      const workspace = await workplaceOf(command);
      const context: RunContext = { workspace, seconds: {} };
      const plan = planStep({
        purpose: 'night',
        asOf: options.asOf ?? null,
        retrain: options.retrain ?? false,
      });
      const stages = (['finetune', 'score', 'export'] as const).map(stageStep);
      await runSteps(context, [ingestStep, plan, checkStep, ...stages, evaluateStep], options.json ?? false);
      await printRun(context, options.json ?? false);
      checkProcessed(context);
      await checkShown(context.workspace.store, context.planned!);
    });
}

/** Stages alone, for a person who looks for what went wrong or starts again in the middle. */
export function stageCommands(): Command[] {
  const ingest = (name: string, about: string) =>
    new Command(name)
      .description(about)
      .option('--json', 'print the result for a machine')
      .action(async (options: { json?: boolean }, command: Command) => {
        const context: RunContext = { workspace: await workplaceOf(command), seconds: {} };
        await runSteps(context, [ingestStep], options.json ?? false);
        if (options.json) {
          const drops = context.drops!.map((drop) => ({
            key: drop.key,
            state: drop.state,
            ...(drop.state === 'pending' ? { why: drop.why } : { quality: drop.quality }),
          }));
          console.log(JSON.stringify({ drops }, null, 2));
        }
        checkProcessed(context);
      });
  const stage = (name: StageName, about: string) =>
    new Command(name)
      .description(about)
      .addOption(asOfOption())
      .option('--run <id>', 'a run that was planned before')
      .option('--retrain', 'train new models even where a champion serves')
      .option('--json', 'print the result for a machine')
      .action(
        async (
          options: { asOf?: string; run?: string; retrain?: boolean; json?: boolean },
          command: Command,
        ) => {
          const workspace = await workplaceOf(command);
          const context: RunContext = { workspace, seconds: {} };
          const steps: Step<RunContext>[] = [];
          if (options.run) {
            context.planned = {
              runId: options.run,
              manifest: await readManifest(workspace.store, options.run),
            };
          } else {
            const retrain = options.retrain ?? name === 'finetune';
            steps.push(ingestStep, planStep({ purpose: 'night', asOf: options.asOf ?? null, retrain }));
          }
          if (name === 'finetune') steps.push(checkStep);
          await runSteps(context, [...steps, stageStep(name)], options.json ?? false);
          await printRun(context, options.json ?? false);
          checkProcessed(context);
          if (name === 'export') await checkShown(workspace.store, context.planned!);
        },
      );
  return [
    ingest('clean', 'clean what was dropped and build its day rows'),
    ingest('features', 'build the day rows of what was cleaned'),
    stage('finetune', 'train new models; they serve the next run'),
    stage('score', 'score every user of a run'),
    stage('export', 'write the export files of a scored run'),
  ];
}

/** Missing drops that are named; the manifest and `nightjar status` name all. */
const NAMED = 10;
/** Objects that are told by name; `status` and --json tell of all. */
const TOLD = 5;

/**
 * To be called last: what could not be processed kept nothing else from its end, and the exit code says that a person is
 * needed. A refused file is no such case: its refusal is its end.
 * @throws NightjarError
 */
export function checkProcessed({ drops = [] }: Pick<RunContext, 'drops'>): void {
  const left = drops.flatMap((drop) => (drop.state === 'pending' ? [drop] : []));
  if (left.length === 0) return;
  const lines = left.slice(0, TOLD).map(({ key, why }) => `\n  ${key}: ${why ?? 'not cleaned yet'}`);
  const more = left.length > TOLD ? `\n  and ${left.length - TOLD} more` : '';
  throw new NightjarError(
    `all was done without ${left.length} ${left.length === 1 ? 'object' : 'objects'} that could not be processed:` +
      `${lines.join('')}${more}`,
  );
}

async function printRun(context: RunContext, json: boolean): Promise<void> {
  const { workspace, planned, seconds, page, checked, asOfWhy } = context;
  if (!planned) throw new NightjarError('no run was planned');
  const { runId, manifest, resumed = false } = planned;
  const lost = losses(context.drops ?? []);
  const leftOut = page?.leftOut ?? checked?.leftOut ?? [];
  const warnings = checked?.warnings ?? [];
  const replaced = await replacedCounts(workspace.store, manifest);
  const identities = await identityCounts(workspace.store, manifest);
  const unpromoted = seconds.finetune === undefined ? [] : await notPromoted(workspace.store, planned);
  const held = await heldBack(workspace.store, manifest.asOf, runId);
  const result = {
    runId,
    asOf: manifest.asOf,
    ...(asOfWhy === undefined ? {} : { asOfWhy }),
    resumed,
    exports: `${workspace.root}/exports/as_of=${manifest.asOf ?? 'none'}/${runId}`,
    report: `${workspace.root}/runs/${runId}/report.html`,
    ...(page ? { validation: validationJson(page), lists: listsJson(page) } : {}),
    leftOut,
    warnings,
    notChampions: unpromoted,
    ...(held ? { held: held.reasons } : {}),
    losses: lost,
    missing: manifest.missing,
    replaced,
    ...(identities ? { identities } : {}),
    seconds,
  };
  if (json) {
    console.log(JSON.stringify(result, null, 2));
    return;
  }
  if (page) console.log(`\n${validationText(page)}\n`);
  for (const { task, why } of leftOut) console.log(`left out: ${task}: ${why}`);
  for (const { task, why } of warnings) console.log(`note     ${task}: ${why}`);
  for (const one of unpromoted) console.log(`note     ${notChampionText(one)}`);
  for (const { message } of lost) console.log(`lost     ${message}`);
  printMissing(manifest);
  for (const [source, lines] of Object.entries(replaced)) {
    console.log(
      `replaced: ${lines.toLocaleString('en-GB')} lines of ${source}, by newer versions of their events`,
    );
  }
  if (identities) console.log(`joined:   ${identityText(identities)}`);
  console.log(`run      ${runId}\nexports  ${result.exports}\nreport   ${result.report}`);
}

function identityText({ joined, users, refused }: IdentityTally): string {
  const ids = (count: number) =>
    `${count.toLocaleString('en-GB')} ${count === 1 ? 'linked id' : 'linked ids'}`;
  const others = Object.entries(refused).map(([why, count]) => `${ids(count)} of nobody: ${why}`);
  const of = `${users.toLocaleString('en-GB')} ${users === 1 ? 'user' : 'users'}`;
  return [`${ids(joined)} of ${of}`, ...others].join('; ');
}

function printMissing({ missing }: RunManifest): void {
  const line = ({ key, why }: Missing) => `missing: ${key} (${why})`;
  for (const one of missing.slice(0, NAMED)) console.log(line(one));
  if (missing.length > NAMED) {
    console.log(`missing: ${missing.length - NAMED} more ("nightjar status" names them)`);
  }
}
