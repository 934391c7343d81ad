export { Runner, sameShape } from './runner.ts';
export { openSession, type RunOptions, Session, type SessionOptions } from './session.ts';
export { checkThreads, WorkerClient } from './worker-client.ts';
export { serve } from './worker-host.ts';
