import { tmpdir } from 'node:os';
import { makeHandler as makeCleanHandler } from '../../functions/clean/handler.ts';
import { makeHandler as makeFeaturesHandler } from '../../functions/features/handler.ts';
import { removeLeftovers } from '../../lib/clean/index.ts';
import type { Config } from '../../lib/config/index.ts';
import { createPseudonyms, loadOrCreateKey } from '../../lib/data/index.ts';
import { type DropState, listDrops } from '../../lib/run/index.ts';
import {
  createLocalQueue,
  explain,
  explainedAt,
  formatS3Event,
  notifyingStore,
  type ObjectStore,
  pump,
  type QueueHandler,
  SystemError,
  sentenceOf,
} from '../../lib/runtime/index.ts';

/** Drops that are cleaned at the same time: one is read while another is sorted. */
const CLEANED_AT_ONCE = 2;

/**
 * Brings every dropped object to its end: cleans what is pending and builds day rows, by the handlers of the cloud. An
 * object that cannot be processed is left pending, with the reason, and stops no other one.
 * @returns every drop with how far it has come
 * @throws SystemError where the machine is at fault and all others would fail as well
 */
export async function ingest(args: {
  config: Config;
  store: ObjectStore;
  keyFile: string;
  onProgress: (text: string) => void;
}): Promise<DropState[]> {
  const { config, onProgress } = args;
  const place = { what: 'the pseudonym key', path: args.keyFile };
  const pseudonyms = createPseudonyms(await explainedAt(place, loadOrCreateKey(args.keyFile)));
  await sweepOnce();
  const clean = createLocalQueue({ name: 'clean' });
  const features = createLocalQueue({ name: 'features' });
  const store = notifyingStore(args.store, [{ prefix: 'clean/', queue: features }]);
  const pending = (await listDrops(store, config)).filter((drop) => drop.state === 'pending');
  for (const { clean: rows, key, size } of pending) {
    await (rows ? features.send(event(rows, size)) : clean.send(event(key, size)));
  }
  const faults = new Faults();
  const handleDrop = makeCleanHandler({ store, config, pseudonyms, report: () => {}, onError: faults.add });
  let cleaned = 0;
  const { signal } = faults;
  await pump(clean, handleDrop, {
    concurrency: CLEANED_AT_ONCE,
    signal,
    onResult: () => onProgress(`cleaned ${++cleaned} of ${pending.length}`),
  });
  const onError = (error: unknown, _: string, key?: string) => faults.add(error, key);
  const handleRows: QueueHandler = makeFeaturesHandler({ store, config, onError });
  let built = 0;
  await pump(features, handleRows, {
    signal,
    onResult: () => onProgress(`built day rows of ${++built}`),
  });
  signal.throwIfAborted();
  const drops = await listDrops(store, config);
  return drops.map((drop) => {
    if (drop.state !== 'pending') return drop;
    const why = faults.why(drop.clean ?? drop.key) ?? drop.why;
    return why === undefined ? drop : { ...drop, why };
  });
}

/** What went wrong, by object. A fault of the whole machine aborts the signal, with itself as the reason. */
class Faults {
  readonly #byKey = new Map<string, string>();
  readonly #stop = new AbortController();
  readonly signal = this.#stop.signal;

  readonly add = (error: unknown, key: string | undefined): void => {
    const known = explain(error);
    if (known instanceof SystemError && known.concernsAll) this.#stop.abort(known);
    else if (key !== undefined) this.#byKey.set(key, sentenceOf(error));
  };

  /** Why an object was given up. */
  why(key: string): string | undefined {
    return this.#byKey.get(key);
  }
}

const event = (key: string, size: number) => formatS3Event({ bucket: 'local', key, size, etag: '' });

let swept: Promise<unknown> | undefined;

/** What killed processes have left in the temporary folder; what cannot be removed is another user's. */
function sweepOnce(): Promise<unknown> {
  swept ??= removeLeftovers(tmpdir(), false).catch(() => {});
  return swept;
}
