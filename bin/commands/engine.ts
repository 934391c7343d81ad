import { Command, InvalidArgumentError, Option } from 'commander';
import {
  type Comparison,
  checkParity,
  type ParityResult,
  type Part,
  parts,
  statedTolerances,
  summarise,
  type Tolerances,
} from '../../lib/engine/parity/index.ts';
import { runSteps, table } from './shared.ts';

interface ParityFlags {
  readonly only?: Part[];
  readonly file?: string[];
  readonly tolerance: Tolerances;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `nightjar engine`: the training engine by itself. */
export function engineCommand(): Command {
  return new Command('engine').description('the training engine by itself').addCommand(parityCommand());
}

/** `nightjar engine parity`: exits 0 when all is within its tolerance, 1 when not, 2 when the folder cannot be used. */
function parityCommand(): Command {
  return new Command('parity')
    .description(
      'repeat the outputs, gradients and training runs that a folder records (model files, parity.json, parity.safetensors), and tell the differences',
    )
    .argument('<folder>', 'the folder; docs/parity.md says what it holds')
    .addOption(new Option('--only <part...>', 'parts to compare (default: all)').choices(parts))
    .option('--file <name...>', 'model files to compare (default: all that parity.json names)')
    .option(
      '--tolerance <limit...>',
      'other limits in float32: a number for all parts, or part=number (gradients=1e-3)',
      tolerance,
      statedTolerances,
    )
    .option('--all', 'print every comparison, not only the worst of each kind')
    .option('--json', 'print it for a machine')
    .action(async (folder: string, options: ParityFlags) => {
      const { result } = await runSteps<{ result?: ParityResult }>(
        {},
        [
          {
            title: `comparing with ${folder}`,
            run: async (context, tell) => {
              context.result = await checkParity(folder, {
                ...(options.only ? { only: options.only } : {}),
                ...(options.file ? { files: options.file } : {}),
                tolerances: options.tolerance,
                onProgress: tell,
              });
              return `${context.result.comparisons.length} comparisons`;
            },
          },
        ],
        options.json ?? false,
      );
      if (!result) return;
      if (options.json) console.log(JSON.stringify(result, null, 2));
      else print(result, options.all ?? false);
      if (!result.ok) process.exitCode = 1;
    });
}

/** One limit in float32 after another; the stated ones are given to the first. */
function tolerance(text: string, before: Tolerances): Tolerances {
  const [part, number = part] = text.split('=');
  const limit = Number(number);
  const chosen = text.includes('=') ? parts.filter((name) => name === part) : parts;
  if (!(limit >= 0) || chosen.length === 0) {
    throw new InvalidArgumentError(
      `a number or part=number is expected, the parts being ${parts.join(', ')}`,
    );
  }
  const changed = chosen.map((name) => [name, { ...before[name], f32: limit }] as const);
  return { ...before, ...Object.fromEntries(changed) };
}

const MEASURES: Readonly<Record<Comparison['measure'], string>> = {
  absolute: 'absolute',
  relative: 'relative',
  each: 'relative, each',
  l2: 'relative L2',
};

function print({ comparisons, notes, ok }: ParityResult, all: boolean): void {
  const head = ['file', 'what', 'in', 'compared', 'worst', 'difference', 'tolerance', ''];
  const row = (what: string, count: number, failed: number, worst: Comparison) => [
    worst.file,
    what,
    worst.precision === 'f64' ? 'float64' : 'float32',
    String(count),
    worst.name,
    `${worst.difference.toExponential(1)} ${MEASURES[worst.measure]}`,
    worst.tolerance.toExponential(0),
    failed === 0 ? 'ok' : `${failed} beyond`,
  ];
  const whatOf = ({ part, group }: Pick<Comparison, 'part' | 'group'>) =>
    group === '' ? part : `${part}: ${group}`;
  const rows = all
    ? comparisons.map((one) => row(whatOf(one), 1, one.ok ? 0 : 1, one))
    : summarise(comparisons).map((group) => row(whatOf(group), group.count, group.failed, group.worst));
  console.log(table(head, rows));
  for (const { file, text, failed } of notes) console.log(`${failed ? 'failed' : 'note'}: ${file}: ${text}`);
  const beyond = comparisons.filter((one) => !one.ok);
  if (!all) {
    for (const { file, part, group, precision, name, difference, tolerance } of beyond) {
      console.log(
        `beyond: ${file}: ${whatOf({ part, group })}, ${precision}: ${name}: ${difference.toExponential(2)} > ${tolerance}`,
      );
    }
  }
  console.log(
    ok
      ? `all ${comparisons.length} within tolerance`
      : `${beyond.length} of ${comparisons.length} beyond tolerance, ${notes.filter(({ failed }) => failed).length} failed`,
  );
}
