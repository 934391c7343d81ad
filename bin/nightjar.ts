import { CommanderError } from 'commander';
import { EXIT } from './exit.ts';
import { failed, guardProcess, interruptedBy } from './failure.ts';
import { openProgram } from './program.ts';

guardProcess();
// AWS's SDK warns on Node 20 at every call; the versions that are pinned here run on it.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const words = process.argv.slice(2);
try {
  const program = await openProgram(words);
  if (words.length === 0) program.outputHelp();
  else await program.parseAsync();
  process.exitCode = interruptedBy() ?? process.exitCode;
} catch (error) {
  // Help that was asked for is no mistake; all else that commander ends with is a wrong call, and it has said so.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.wrong;
  else process.exitCode = failed(error);
}
