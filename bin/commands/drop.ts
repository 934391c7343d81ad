import { Command } from 'commander';
import { NightjarError } from '../../lib/data/index.ts';
import { type CopiedDrop, copyDrop } from '../local/drop-copy.ts';
import { type DropPlan, planDrop } from '../local/drop-plan.ts';
import { runSteps, thousands, workspaceOf } from './shared.ts';

interface DropOptions {
  readonly source: string;
  readonly base?: string;
  readonly replace: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** From so many bytes on somebody may wonder how far it is. */
const LONG = 64 << 20;

/** Notes that are shown; --json has all. */
const TOLD = 5;

/** `nightjar drop`: files into the bucket, with their folders. */
export function dropCommand(): Command {
  return new Command('drop')
    .description('copy files and folders under drop/, as the shop would')
    .argument('<paths...>', 'files, and folders with all that is below them')
    .requiredOption('--source <name>', 'the source that they belong to')
    .option('--base <folder>', 'keys are the paths below this folder, however the files are named')
    .option('--no-replace', 'refuse the call if it would replace an object by other bytes')
    .option('--dry-run', 'only show what would be copied, and under which keys')
    .option('--json', 'print the keys for a machine')
    .action(async (paths: string[], options: DropOptions, command: Command) => {
      const workspace = await workspaceOf(command);
      const plan = await planDrop(workspace, { ...options, paths });
      if (options.dryRun) {
        print(plan, { copied: [], failed: [] }, options);
        return;
      }
      const context: { result?: CopiedDrop } = {};
      const bytes = plan.files.reduce((sum, file) => sum + file.bytes, 0);
      const step = {
        title: 'copy',
        async run(_: object, tell: (text: string) => void) {
          let done = 0;
          const onCopied = () => tell(`${thousands(++done)} of ${thousands(plan.files.length)} files`);
          context.result = await copyDrop(workspace, plan, options.replace, onCopied);
          return undefined;
        },
      };
      await runSteps(context, [step], options.json === true || bytes < LONG);
      const result = context.result!;
      print(plan, result, options);
      if (result.failed.length > 0) throw failure(result);
    });
}

function print(plan: DropPlan, { copied, failed }: CopiedDrop, { json, dryRun }: DropOptions): void {
  const lost = new Set(failed.map(({ file }) => file));
  const files = plan.files.filter(({ file }) => !lost.has(file));
  if (json) {
    const shown = files.map(({ file, key, bytes, state }) => ({ file, key, bytes, state }));
    console.log(
      JSON.stringify({
        keys: files.map(({ key }) => key),
        files: shown,
        ignored: plan.ignored,
        notes: plan.notes,
        failed,
      }),
    );
    return;
  }
  for (const note of plan.notes.slice(0, TOLD)) console.error(`note: ${note}`);
  for (const { state, key } of files) console.log(`${state.padEnd(9)}  ${key}`);
  const unchanged = files.filter(({ state }) => state === 'unchanged').length;
  const replaced = files.filter(({ state }) => state === 'replaced').length;
  const parts = [
    `${thousands(dryRun ? files.length - unchanged : copied.length)} ${dryRun ? 'would be dropped' : 'dropped'}`,
    replaced > 0
      ? `${thousands(replaced)} of them ${dryRun ? 'in place of' : 'replaced'} what stood there`
      : '',
    unchanged > 0 ? `${thousands(unchanged)} unchanged` : '',
    plan.ignored.length > 0
      ? `${thousands(plan.ignored.length)} ignored by name (${some(plan.ignored)})`
      : '',
  ];
  console.log(parts.filter(Boolean).join(', '));
}

/** The first few of a list. */
const some = (names: readonly string[]) => `${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`;

function failure({ failed }: CopiedDrop): NightjarError {
  const lines = failed.slice(0, 10).map(({ file, why }) => `\n  ${file}: ${why}`);
  const more = failed.length > 10 ? `\n  and ${failed.length - 10} more` : '';
  return new NightjarError(
    `${failed.length} files could not be copied, the others were:${lines.join('')}${more}`,
  );
}
