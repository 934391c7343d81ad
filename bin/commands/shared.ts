import { type Command, InvalidArgumentError } from 'commander';
import { Listr, ListrLogger, ListrLogLevels, ProcessOutput } from 'listr2';
import { ConfigError, parseDay } from '../../lib/data/index.ts';
import { explain } from '../../lib/runtime/index.ts';
import { openWorkspace, type Workspace } from '../workspace.ts';
import { Eta } from './eta.ts';

/** Options of the program itself, that every command sees. */
interface GlobalOptions {
  readonly config: string;
  readonly store?: string;
  readonly adopt?: boolean;
}

/** The workspace that a command looks at or drops into. */
export function workspaceOf(command: Command, how: { looking?: boolean } = {}): Promise<Workspace> {
  const { config, store, adopt } = command.optsWithGlobals<GlobalOptions>();
  return openWorkspace({ config, store, adopt, ...how });
}

/** The workspace of a command that processes it: the only one until it ends. @throws AtWork */
export function workplaceOf(command: Command): Promise<Workspace> {
  const { config, store, adopt } = command.optsWithGlobals<GlobalOptions>();
  return openWorkspace({ config, store, adopt, working: command.name() });
}

/** A day that was given on the command line, told to be wrong before any work starts. @throws ConfigError */
export function dayArgument(text: string): string {
  try {
    parseDay(text);
  } catch (cause) {
    throw new ConfigError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  return text;
}

/** A hundred years. */
const MOST_DAYS = 36_500;

/** A number of days that was given on the command line. */
export function daysArgument(text: string): number {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS) {
    throw new InvalidArgumentError(`give a whole number of days from 1 to ${MOST_DAYS}`);
  }
  return days;
}

/** Why a person does something: all that is left of it later. */
export function reasonArgument(text: string): string {
  if (text.trim() === '')
    throw new ConfigError('--why is empty: say why, as the record keeps nothing else of it');
  return text.trim();
}

/** A step that a person watches. `tell` shows how far it is. */
export interface Step<T> {
  readonly title: string;
  run(context: T, tell: (text: string) => void): Promise<string | undefined>;
}

/** A log names the step that failed; what went wrong is told once, in the command's last line. */
class StepLogger extends ListrLogger {
  override log(...[level, message, options]: Parameters<ListrLogger['log']>): void {
    super.log(level, message, level === ListrLogLevels.FAILED ? {} : options);
  }
}

/** Between two lines of progress where nobody watches. */
const LOGGED_EVERY_MS = 5000;

/**
 * Runs steps one after the other. A person sees them as a list with progress; for a machine (`quiet`) nothing is printed
 * but what the command itself prints. Steps are shown on standard error, so that output can be piped.
 */
export async function runSteps<T extends object>(
  context: T,
  steps: readonly Step<T>[],
  quiet: boolean,
): Promise<T> {
  const list = new Listr<T, 'default' | 'silent' | 'simple'>(
    steps.map(({ title, run }) => ({
      title,
      task: async (ctx, task) => {
        let last = Date.now();
        const eta = new Eta();
        const tell = (line: string) => {
          const text = eta.withEta(line, performance.now());
          // A log gets a line now and then, a terminal every change.
          if (!process.stderr.isTTY && Date.now() - last < LOGGED_EVERY_MS) return;
          last = Date.now();
          task.output = text;
        };
        const done = await run(ctx, tell).catch((error: unknown) => {
          // The list shows a step's error as it is.
          throw explain(error) ?? error;
        });
        if (done) task.title = `${title}: ${done}`;
      },
    })),
    {
      ctx: context,
      // Ctrl-C is the command's to handle: Listr would end the process at once, with a code of its own.
      registerSignalListeners: false,
      renderer: quiet ? 'silent' : process.stderr.isTTY ? 'default' : 'simple',
      fallbackRenderer: 'simple',
      silentRendererCondition: quiet,
      rendererOptions: {
        showErrorMessage: false,
        collapseErrors: false,
        logger: new StepLogger({
          useIcons: true,
          processOutput: new ProcessOutput(process.stderr, process.stderr),
        }),
      },
    },
  );
  return list.run(context);
}

/** Columns of text for a terminal: numbers are set to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows].map((row) =>
    row.map((cell) => (typeof cell === 'number' ? thousands(cell) : cell)),
  );
  const right = head.map(
    (_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number' || row[i] === '–'),
  );
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const thousands = (n: number): string => n.toLocaleString('en-GB', { maximumFractionDigits: 1 });

/** The ends of an interval, '–' where there is none. */
export const between = (interval: readonly [number, number] | null): string =>
  interval ? `${fixed(interval[0])} to ${fixed(interval[1])}` : '–';

/** How far a model is behind the first, where it is not the first. */
export const behindBy = (
  behind: { readonly difference: number; readonly noise: boolean } | null | undefined,
): string => (behind ? `${fixed(behind.difference, 4)}${behind.noise ? ' (noise)' : ''}` : '');

export const fixed = (value: number | null | undefined, digits = 3): string =>
  value === null || value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits);
