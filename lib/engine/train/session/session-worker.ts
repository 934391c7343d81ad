import { type Feeds, SessionError, toPost } from '../../host/index.ts';
import { Runner } from './runner.ts';
import { serve } from './worker-host.ts';

export interface SessionMethods {
  open: {
    argument: { model: Uint8Array; threads: number; constants: Feeds };
    result: { outputs: readonly string[] };
  };
  run: { argument: { feeds: Feeds; outputs: readonly string[] | undefined }; result: Feeds };
  close: { argument: undefined; result: undefined };
}

let runner: Runner | undefined;

function opened(): Runner {
  if (!runner) throw new SessionError('the session is not open');
  return runner;
}

serve<SessionMethods>({
  async open({ model, threads, constants }) {
    runner = await Runner.open(model, threads);
    runner.fixCopies(constants);
    return { value: { outputs: runner.outputNames } };
  },
  async run({ feeds, outputs }) {
    const value = await opened().run(feeds, outputs ?? opened().outputNames);
    const { tensors, buffers } = toPost(value, true);
    return { value: tensors, transfer: buffers };
  },
  async close() {
    await runner?.close();
    runner = undefined;
    return { value: undefined };
  },
});
