import type { Config } from '../../config/index.ts';
import { DataError } from '../../data/index.ts';
import { type Feeds, float32, type HostTensor, int32 } from '../../engine/host/index.ts';
import type { Session } from '../../engine/train/index.ts';
import { featureNames, featureVector, groupWords, type ShardUser } from '../../features/index.ts';
import {
  type KeptVectors,
  reasonNames,
  renumbered,
  TEXT_FIELDS,
  TEXT_VECTORS,
  VISIT_FIELDS,
  VisitEncoder,
} from '../candidates/index.ts';
import type { TaskScores } from '../family.ts';
import {
  type Asked,
  checkFinite,
  type ProfileWriter,
  probabilityOf,
  profileNames,
  strongest,
} from '../shared/index.ts';
import type { UsersModelManifest } from './manifest.ts';
import type { TextNumbers, TextWriter } from './texts.ts';

/** Rows of every batch: always the same, the last one filled up, because results depend on the batch's size. */
const BATCH = 256;
/** Visits a batch has room for, as shares of the longest: most users have few. */
const BUCKETS = [1 / 16, 1 / 4, 1];

/** The recent texts of a shard's users, for a model that reads them. */
export interface ShardTextWriter {
  readonly writer: TextWriter;
  /** Of what the writer writes. */
  readonly numbers: TextNumbers;
}

interface Batch {
  readonly length: number;
  readonly rows: number[];
  readonly features: Float32Array;
  readonly visits: Int32Array;
  readonly texts: Int32Array;
}

/** A model with what a shard brings. */
export interface ShardScoring {
  readonly config: Config;
  readonly manifest: UsersModelManifest;
  readonly session: Session;
  readonly vectors: KeptVectors | undefined;
  readonly day: number;
  readonly itemText: (id: number) => string;
  readonly profiles: ProfileWriter | undefined;
  readonly texts: ShardTextWriter | undefined;
  /** Whom the heads' tasks ask on the day. */
  readonly asked: Asked;
}

/** A score that is none would pass for a user who is not asked. @throws DataError */
function finite(logit: number, task: string): number {
  if (Number.isFinite(logit)) return logit;
  throw new DataError(
    `the model gives a user whom ${task} asks no finite score: let the one before it serve ("nightjar models rollback ${task}"), or train another`,
  );
}

/** Scores the users of one shard. */
export class ShardScorer {
  readonly #config: Config;
  readonly #manifest: UsersModelManifest;
  readonly #session: Session;
  readonly #day: number;
  /** Of the places of a row. */
  readonly #names: readonly { readonly name: string }[];
  readonly #width: number;
  readonly #columns: Int32Array;
  /** One user's whole feature vector. */
  readonly #whole: Float32Array;
  readonly #profiles: ProfileWriter | undefined;
  readonly #texts: ShardTextWriter | undefined;
  readonly #asked: Asked;
  readonly #vectors: KeptVectors | undefined;
  /** Places for texts in a row, and the width of their vectors. */
  readonly #places: number;
  readonly #encoder: VisitEncoder | undefined;
  readonly #buckets: readonly number[];
  readonly #open = new Map<number, Batch>();
  /** Rows of the batches that are under way, in their order. */
  readonly #sent: number[][] = [];
  readonly #logits: number[][] = [];
  readonly #reasons: (string | null)[][];

  constructor(scoring: ShardScoring) {
    const { config, manifest, session, vectors, day, itemText, profiles, texts, asked } = scoring;
    this.#asked = asked;
    this.#profiles = profiles;
    this.#texts = texts;
    this.#vectors = vectors;
    this.#places = manifest.text?.places ?? 0;
    this.#config = config;
    this.#manifest = manifest;
    this.#session = session;
    this.#day = day;
    const known = featureNames(config);
    this.#names = [...manifest.columns.map((j) => known[j]!), ...profileNames(manifest.profile)];
    this.#width = this.#names.length;
    this.#columns = Int32Array.from(manifest.columns);
    this.#whole = new Float32Array(known.length);
    const { sequence } = manifest;
    this.#encoder = sequence ? new VisitEncoder(sequence.vocabulary, sequence.length, itemText) : undefined;
    this.#buckets = sequence ? BUCKETS.map((share) => Math.max(1, Math.round(share * sequence.length))) : [0];
    this.#reasons = manifest.heads.map(() => []);
  }

  /** @param users each advanced to the day by this call, in order */
  async run(users: Iterable<ShardUser>): Promise<Record<string, TaskScores>> {
    // A batch is never read again once it is sent, so its memory can move.
    for await (const output of this.#session.runAll(this.#batches(users), { transfer: true })) {
      this.#take(this.#sent.shift()!, output.logits!.data as Float32Array, output.reasons!);
    }
    return Object.fromEntries(
      this.#manifest.heads.map(({ task }, t) => {
        const logit = Float64Array.from(this.#logits, (row) => row[t]!);
        return [task, { logit, probability: logit.map(probabilityOf), reasons: this.#reasons[t]! }];
      }),
    );
  }

  async *#batches(users: Iterable<ShardUser>): AsyncGenerator<Feeds> {
    const { asks } = this.#asked;
    let row = 0;
    for (const user of users) {
      user.advance(this.#day);
      // A place outside a task's population stays NaN.
      this.#logits.push(this.#manifest.heads.map((_, t) => (asks(t, user, this.#day) ? 0 : Number.NaN)));
      const visits = Math.min(user.state.visits.length, this.#encoder?.length ?? 0);
      const length = this.#buckets.find((bucket) => visits <= bucket)!;
      const batch = this.#batch(length);
      const at = batch.rows.length;
      batch.rows.push(row++);
      featureVector(user.state, this.#day, this.#config, this.#whole);
      const behind = this.#pick(batch.features, at * this.#width);
      this.#profiles?.write(user.user, this.#day, batch.features, behind);
      checkFinite(user.user, batch.features, at * this.#width, this.#names);
      if (this.#encoder) {
        this.#encoder.encode(user.state.visits, this.#day, batch.visits, at * length * VISIT_FIELDS, length);
      }
      this.#texts?.writer.write(user, this.#day, batch.texts, at * this.#places * TEXT_FIELDS);
      if (batch.rows.length === BATCH) yield await this.#send(batch);
    }
    for (const batch of [...this.#open.values()]) yield await this.#send(batch);
  }

  /** Copies the model's features out of the whole vector. @returns where they end */
  #pick(out: Float32Array, start: number): number {
    const columns = this.#columns;
    const whole = this.#whole;
    for (let k = 0; k < columns.length; k++) out[start + k] = whole[columns[k]!]!;
    return start + columns.length;
  }

  #batch(length: number): Batch {
    let batch = this.#open.get(length);
    if (!batch) {
      const features = new Float32Array(BATCH * this.#width);
      const visits = new Int32Array(BATCH * length * VISIT_FIELDS);
      const texts = new Int32Array(BATCH * this.#places * TEXT_FIELDS);
      batch = { length, rows: [], features, visits, texts };
      this.#open.set(length, batch);
    }
    return batch;
  }

  async #send({ length, rows, features, visits, texts }: Batch): Promise<Feeds> {
    this.#open.delete(length);
    this.#sent.push(rows);
    return {
      ...(await this.#textFeeds(texts)),
      features: float32(features, [BATCH, this.#width]),
      ...(this.#encoder ? { tokens: int32(visits, [BATCH, length, VISIT_FIELDS]) } : {}),
    };
  }

  /** The vectors' table always has the same number of rows, because results may depend on it. */
  async #textFeeds(texts: Int32Array): Promise<Feeds> {
    const vectors = this.#vectors;
    const shard = this.#texts;
    if (!vectors || !shard) return {};
    const { own, distinct } = renumbered(texts);
    const rows = BATCH * this.#places;
    const table = new Float32Array(rows * vectors.width);
    await vectors.write(
      distinct.map((number) => shard.numbers.texts[number]!),
      table,
    );
    return {
      texts: int32(own, [BATCH, this.#places, TEXT_FIELDS]),
      [TEXT_VECTORS]: float32(table, [rows, vectors.width]),
    };
  }

  #take(rows: readonly number[], logits: Float32Array, { data, shape }: HostTensor): void {
    const { heads } = this.#manifest;
    const effects = data as Float32Array;
    const columns = shape[2]!;
    const names = reasonNames(this.#manifest).map(groupWords);
    const tasks = heads.length;
    rows.forEach((row, b) => {
      heads.forEach((_, t) => {
        const known = !Number.isNaN(this.#logits[row]![t]!);
        if (known) this.#logits[row]![t] = finite(logits[b * tasks + t]!, heads[t]!.task);
        const from = (b * tasks + t) * columns;
        const own = effects.subarray(from, from + names.length);
        this.#reasons[t]![row] = known ? strongest(names, own, this.#config.exports.reasons) : null;
      });
    });
  }
}
