import type { Config, Deploy } from '../config/index.ts';
import { canonicalJson, contentId, dropId } from '../data/index.ts';
import type { BatchRunner, ObjectStore } from '../runtime/index.ts';
import { findKeys } from './digests.ts';
import { mappingOf, sourceOf } from './keys.ts';

const MEBIBYTE = 1 << 20;
/** A drop whose jobs failed so often is left alone as long as the runner remembers them (AWS Batch: a week). */
const MOST_JOBS = 3;
/** From this delivery of its message on, a drop that is not done is taken to be too much for the function. */
const SUSPECT_DELIVERY = 2;

export interface SendDropInput {
  readonly store: ObjectStore;
  readonly batch: BatchRunner;
  readonly config: Config;
  /** From which size on a drop is too large for a function. */
  readonly limits: Deploy['largeDrop'];
  /** Of the dropped object, below `drop/`. */
  readonly key: string;
  /** Which delivery of its message this is, from 1. */
  readonly delivery: number;
}

export interface SentDrop {
  /** Name of the job that cleans it. */
  readonly job: string;
  /** `large`: by its size. `again`: an earlier delivery did not end, so the function may have been killed by it. */
  readonly why: 'large' | 'again';
  /** False where an unfinished job of that name was there before, or too many failed. */
  readonly submitted: boolean;
}

/**
 * Hands a drop that is too much for a function to a batch job, once per version of the drop: the job's name is made of
 * both. The job finds the config under `config/`, where it is put first. Too much is what is too large, and what was
 * delivered before and is not done: a function that is killed for its memory can say nothing, and would die of it again.
 * @returns undefined when the function is to take it, or it is gone, or done before: `cleanDrop` says which
 */
export async function sendDrop(input: SendDropInput): Promise<SentDrop | undefined> {
  const { store, batch, config, limits, key, delivery } = input;
  const object = await store.head(key);
  if (!object) return undefined;
  const large = object.size > limitFor(key, limits);
  if (!large && delivery < SUSPECT_DELIVERY) return undefined;
  const keys = await findKeys(store, config, object);
  if (keys && (await store.head(keys.quality))) return undefined;
  const why = large ? 'large' : 'again';
  // What the bytes are is known once the job has read them.
  const version = contentId({ etag: object.etag, mapping: mappingOf(config, sourceOf(config, key)) });
  const job = `clean-${dropId(key)}-${version}`;
  const jobs = await batch.list(job);
  const unfinished = jobs.some(({ status }) => status !== 'SUCCEEDED' && status !== 'FAILED');
  const failed = jobs.filter(({ status }) => status === 'FAILED').length;
  if (unfinished || failed >= MOST_JOBS) return { job, why, submitted: false };
  const configKey = `config/${contentId(config)}.json`;
  await store.put(configKey, canonicalJson(config), { ifAbsent: true });
  await batch.submit({
    name: job,
    definition: 'clean',
    environment: { NIGHTJAR_DROP: key, NIGHTJAR_CONFIG: configKey },
  });
  return { job, why, submitted: true };
}

/** In bytes as they lie in the bucket: what is packed grows when it is read. */
function limitFor(key: string, { plainMiB, gzipMiB }: Deploy['largeDrop']): number {
  return (key.endsWith('.gz') ? gzipMiB : plainMiB) * MEBIBYTE;
}
