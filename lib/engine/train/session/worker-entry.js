// Plain JavaScript on purpose: Node 20 cannot start a worker from TypeScript, so this registers the loader first.
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
await import(workerData.module);
