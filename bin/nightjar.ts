import { CommanderError } from 'commander';
import { ConfigError, NightjarError } from '../lib/data/errors.ts';
import { EXIT, endWithReader, INTERRUPTED, watchInterrupts } from './exit.ts';
import { asCalled } from './home.ts';
import { openProgram } from './program.ts';

// AWS's SDK warns on Node 20 at every call; the versions that are pinned here run on it.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

endWithReader();
const interrupted = watchInterrupts();
const words = process.argv.slice(2);

try {
  const program = await openProgram(words);
  if (words.length === 0) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  process.exitCode = tell(error);
}
if (interrupted()) process.exitCode = EXIT.interrupted;

/** Says on standard error what went wrong. @returns the exit code */
function tell(error: unknown): number {
  // Help that was asked for is no mistake; all else that commander ends with is a wrong call, and it has said so.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrong;
  // What was running says that it was ended; the person knows.
  if (interrupted()) console.error(INTERRUPTED);
  else if (error instanceof NightjarError) console.error(`nightjar: ${asCalled(error.message)}`);
  else console.error(error);
  return error instanceof ConfigError ? EXIT.wrong : EXIT.failed;
}
