/**
 * The three things Nightjar asks of the place it runs in. A folder, an in-process queue and child processes serve a
 * laptop (`local/`); S3, SQS and Batch serve the cloud. Handlers and jobs see these interfaces and nothing else.
 */

export interface ObjectInfo {
  /** Path below the store's root, with '/' between parts. */
  readonly key: string;
  readonly size: number;
  /** Changes whenever the bytes under the key change. Opaque: where the same bytes are put again it may change as well. */
  readonly etag: string;
  /** Name of the bytes (`digestOf` in lib/data). Absent where the store would have to read them to know it. */
  readonly digest?: string;
  readonly lastModified: Date;
}

export interface StoredObject {
  readonly info: ObjectInfo;
  /** The bytes asked for, once, in pieces. What is left unread may hold a file or a connection open. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The bytes asked for, whole. Use it for objects known to be small. */
  bytes(): Promise<Uint8Array>;
}

export interface GetOptions {
  /** First byte and the byte after the last. */
  readonly range?: { readonly start: number; readonly end: number };
  /** Fails with PreconditionFailed when the object has another etag by now. */
  readonly ifMatch?: string;
}

export interface PutOptions {
  /** Write only where nothing stands (If-None-Match: *). */
  readonly ifAbsent?: boolean;
  /** Write only over the object with this etag. */
  readonly ifMatch?: string;
}

/** Something below a prefix that is no object, or none that can be read now. */
export interface OtherEntry {
  /** Its path, which need not be a key; of a folder with '/' at the end. */
  readonly key: string;
  /** `hidden`: a name with a leading dot. `busy`: another program writes it. `unusable`: nothing can be read there. */
  readonly kind: 'hidden' | 'busy' | 'unusable';
  readonly reason: string;
  /** What to do about it. */
  readonly hint: string;
}

export interface ListOptions {
  /** Begins behind this key, which need not stand there: a long listing can go on where an earlier one stopped. */
  readonly startAfter?: string;
  readonly onOther?: (entry: OtherEntry) => void;
}

/** `written: false` means that the condition did not hold and nothing was changed. */
export type PutResult = { readonly written: true; readonly etag: string } | { readonly written: false };

export type ObjectBody = Uint8Array | string | AsyncIterable<Uint8Array>;

export interface ObjectStore {
  /** @throws ObjectNotFound, PreconditionFailed */
  get(key: string, options?: GetOptions): Promise<StoredObject>;
  /** What stands under the key, or undefined. */
  head(key: string): Promise<ObjectInfo | undefined>;
  /** All or nothing: a reader sees the old object or the new one, never a part. */
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<PutResult>;
  /**
   * Every object whose key starts with the prefix, in ascending byte order of keys. What cannot be read is told to
   * `onOther`, and stops nothing; without it, it is thrown, for leaving it out silently would lose a drop.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>;
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>;
}

export interface QueueMessage {
  readonly id: string;
  /** Names this delivery; a later delivery of the same message has another. */
  readonly receipt: string;
  readonly body: string;
  /** 1 at the first delivery. */
  readonly receiveCount: number;
}

/** At least once, in no particular order, as SQS. */
export interface Queue {
  readonly name: string;
  send(body: string): Promise<void>;
  /** Up to `max` messages, hidden from others for the queue's visibility time. Empty when there is none. */
  receive(max?: number): Promise<QueueMessage[]>;
  /** The message is done. An outdated receipt changes nothing. */
  acknowledge(receipt: string): Promise<void>;
  /** Show the message again at once (or after `delaySeconds`). */
  release(receipt: string, delaySeconds?: number): Promise<void>;
  /** Messages waiting, in flight, and dead. */
  depth(): Promise<{ waiting: number; inFlight: number; dead: number }>;
}

export type JobStatus = 'SUBMITTED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED';

/**
 * Why a job failed, as far as it matters to whoever would submit it again. `work`: its program, its data or its settings; it
 * would fail again. `away`: what it needs was away for now, be it a dependency (exit code 75) or a machine to run on; the
 * same job may well succeed later. `predecessor`: it never started, since a job that it depends on failed.
 */
export type JobFault = 'work' | 'away' | 'predecessor';

/** Which program a job runs. `clean` takes a drop that is too large for the function. */
export type JobDefinition = 'finetune' | 'score' | 'export' | 'clean';

export interface JobRequest {
  /** Deterministic, so that a lost answer to a submit can be found again by `list`. */
  readonly name: string;
  /** Which container: its entry reads the environment below. */
  readonly definition: JobDefinition;
  readonly environment: Readonly<Record<string, string>>;
  /** Children, each with AWS_BATCH_JOB_ARRAY_INDEX; 2 to 10,000. Absent: a plain job. */
  readonly arraySize?: number;
  /** Starts when these have SUCCEEDED; FAILED when one of them failed. */
  readonly dependsOn?: readonly string[];
  /** How often a child may be started; exit codes 75 and 137 and signals are retried, others not. */
  readonly attempts?: number;
}

export interface JobDescription {
  readonly id: string;
  readonly name: string;
  readonly status: JobStatus;
  /** Why it failed: exit code or signal of the child and the last line of its error output. */
  readonly reason?: string;
  /** Of a failed job. */
  readonly fault?: JobFault;
  readonly createdAt: Date;
}

export interface BatchRunner {
  submit(request: JobRequest): Promise<string>;
  describe(ids: readonly string[]): Promise<JobDescription[]>;
  /** Jobs of this exact name, newest first. */
  list(name: string): Promise<JobDescription[]>;
}
