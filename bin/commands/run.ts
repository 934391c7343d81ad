import { Command, Option } from 'commander';
import { NightjarError } from '../../lib/data/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import {
  type DropState,
  type PlannedRun,
  planRun,
  readManifest,
  type StageName,
  submitRun,
} from '../../lib/run/index.ts';
import type { Workspace } from '../workspace.ts';
import { dayArgument, runSteps, type Step, workplaceOf } from './shared.ts';

const asOfOption = () =>
  new Option(
    '--as-of <day>',
    'score as of this shop midnight (YYYY-MM-DD): features use the days before it',
  ).argParser(dayArgument);

/** What steps of a run hand to one another. */
export interface RunContext {
  workspace: Workspace;
  drops?: DropState[];
  planned?: PlannedRun;
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

export const planStep = (options: {
  purpose: 'night' | 'backtest';
  asOf: string | null;
  retrain?: boolean;
  only?: string;
}): Step<RunContext> => ({
  title: 'name the inputs',
  async run(context) {
    const { store, config } = context.workspace;
    const drops = context.drops ?? [];
    context.planned = await planRun({ store, config, drops, ...options });
    return context.planned.runId;
  },
});

export const stageStep = (stage: StageName): Step<RunContext> => ({
  title: stage,
  async run(context, tell) {
    const { workspace, planned } = context;
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
    const { path } = await evaluateRun({
      store: context.workspace.store,
      runId: context.planned!.runId,
      drops: context.drops!,
      seconds: context.seconds,
      now: () => new Date(),
    });
    return path;
  },
};

/** `nightjar run`: everything, from what lies under drop/ to the export. */
export function runCommand(): Command {
  return new Command('run')
    .description(
      'clean what was dropped, train where no model serves yet, score every user, export and report',
    )
    .addOption(asOfOption())
    .option('--retrain', 'train new models even where a champion serves')
    .option('--json', 'print the result for a machine')
    .action(async (options: { asOf?: string; retrain?: boolean; json?: boolean }, command: Command) => {
      const workspace = await workplaceOf(command);
      const context: RunContext = { workspace, seconds: {} };
      const plan = planStep({
        purpose: 'night',
        asOf: options.asOf ?? null,
        retrain: options.retrain ?? false,
      });
      const stages = (['finetune', 'score', 'export'] as const).map(stageStep);
      await runSteps(context, [ingestStep, plan, ...stages, evaluateStep], options.json ?? false);
      printRun(context, options.json ?? false);
      checkProcessed(context);
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
          await runSteps(context, [...steps, stageStep(name)], options.json ?? false);
          printRun(context, options.json ?? false);
          checkProcessed(context);
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
  const told = left.slice(0, TOLD).map(({ key, why }) => `\n  ${key}: ${why ?? 'not cleaned yet'}`);
  const more = left.length > TOLD ? `\n  and ${left.length - TOLD} more` : '';
  throw new NightjarError(
    `all was done without ${left.length} ${left.length === 1 ? 'object' : 'objects'} that could not be processed:` +
      `${told.join('')}${more}`,
  );
}

function printRun(context: RunContext, json: boolean): void {
  const { workspace, planned, seconds } = context;
  if (!planned) throw new NightjarError('no run was planned');
  const { runId, manifest } = planned;
  const result = {
    runId,
    asOf: manifest.asOf,
    exports: `${workspace.root}/exports/as_of=${manifest.asOf ?? 'none'}/${runId}`,
    report: `${workspace.root}/runs/${runId}/report.html`,
    missing: manifest.missing,
    seconds,
  };
  if (json) console.log(JSON.stringify(result, null, 2));
  else {
    for (const { key, why } of manifest.missing) console.log(`missing: ${key} (${why})`);
    console.log(`run      ${runId}\nexports  ${result.exports}\nreport   ${result.report}`);
  }
}
