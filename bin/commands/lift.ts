import { Command, InvalidArgumentError } from 'commander';
import { EVENT_TYPES, type EventType, parseDay } from '../../lib/data/index.ts';
import { type Lift, measureLift } from '../../lib/lift/index.ts';
import { liftText } from './lift-text.ts';
import { checkProcessed, ingestStep, type RunContext } from './run.ts';
import { dayArgument, runSteps, type Step, thousands, workplaceOf } from './shared.ts';

interface LiftOptions {
  readonly campaign: string;
  readonly control?: string;
  readonly event: EventType;
  readonly days: number;
  readonly from?: string;
  readonly split?: readonly number[];
  readonly json?: boolean;
}

interface LiftContext extends RunContext {
  lift?: Lift;
}

/** `nightjar lift`: what a campaign changed, arm by arm. */
export function liftCommand(): Command {
  return new Command('lift')
    .description(
      'compare the arms of a campaign: who then bought, what they spent, and how sure that is (docs/campaigns.md)',
    )
    .requiredOption('--campaign <name>', 'a campaign of the dropped treatments')
    .option(
      '--control <arm>',
      'the arm that was held out (default: the one called "control"; of a campaign with one arm: the control group of the exports)',
    )
    .option('--event <type>', 'who has one of these in the window has converted', eventArgument, 'purchase')
    .option('--days <n>', 'length of the window', daysArgument, 14)
    .option(
      '--from <day>',
      "begin every window with this shop day (YYYY-MM-DD; default: with each user's treatment)",
      dayArgument,
    )
    .option(
      '--split <shares>',
      'intended shares of the arms, the control first, then the others by name (10:45:45; default: equal ones)',
      splitArgument,
    )
    .option('--json', 'print it for a machine')
    .action(async (options: LiftOptions, command: Command) => {
      const workspace = await workplaceOf(command);
      const context: LiftContext = { workspace, seconds: {} };
      await runSteps(context, [ingestStep, compareStep(options)], options.json ?? false);
      const lift = context.lift!;
      console.log(options.json ? JSON.stringify(lift, null, 2) : liftText(lift));
      checkProcessed(context);
    });
}

const compareStep = ({ json: _, from, ...question }: LiftOptions): Step<LiftContext> => ({
  title: 'compare the arms',
  async run(context) {
    const { store, config } = context.workspace;
    const drops = context.drops!;
    const day = from === undefined ? undefined : parseDay(from);
    const lift = await measureLift({ store, config, drops, ...question, from: day });
    context.lift = lift;
    return `${thousands(lift.arms.reduce((sum, { users }) => sum + users, 0))} users`;
  },
});

function eventArgument(text: string): EventType {
  const found = EVENT_TYPES.find((type) => type === text);
  if (!found) throw new InvalidArgumentError(`one of ${EVENT_TYPES.join(', ')} is expected`);
  return found;
}

/** Ten years. */
const MOST_DAYS = 3650;

function daysArgument(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= MOST_DAYS) return days;
  throw new InvalidArgumentError(`a whole number of days from 1 to ${MOST_DAYS} is expected`);
}

function splitArgument(text: string): number[] {
  const shares = text.split(':').map(Number);
  if (shares.length > 1 && shares.every((share) => share > 0 && Number.isFinite(share))) return shares;
  throw new InvalidArgumentError('shares above zero with colons between them are expected, such as 50:50');
}
