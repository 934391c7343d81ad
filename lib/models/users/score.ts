import type { Config } from '../../config/index.ts';
import { type Feeds, float32, int32 } from '../../engine/host/index.ts';
import { decodeModel, encodeModel } from '../../engine/onnx/index.ts';
import { openSession, type Session } from '../../engine/train/index.ts';
import { featureNames, featureVector, groupWords, inPopulation, type ShardUser } from '../../features/index.ts';
import { branchGroups } from '../candidates/strength.ts';
import { checkFinite } from '../shared/finite.ts';
import { type ProfileWriter, profileNames } from './profiles.ts';
import { type TextNumbers, type TextWriter } from './texts.ts';
import { tokenizerOf } from './shop-encoder.ts';
import { type UsersModelManifest } from './train.ts';
import { userTask } from './user-rows.ts';
import { cutAtVectors, KeptVectors, TextVectors } from '../candidates/network/texts/vectors.ts';
import { renumbered } from '../candidates/network/texts/feeds.ts';
import { TEXT_FIELDS, TEXT_VECTORS } from '../candidates/network/texts/read.ts';
import { TOKEN_FIELDS, TokenEncoder } from '../candidates/network/visits/visit-ids.ts';
import type { ModelFiles } from '../../registry/index.ts';
import { strongest } from '../shared/reasons.ts';
import type { TaskScores } from '../../score/scores.ts';

/** Rows of every batch: always the same, the last one filled up, because results depend on the batch's size. */
const BATCH = 256;
/** Visits a batch has room for, as shares of the longest: most users have few. */
const BUCKETS = [1 / 16, 1 / 4, 1];

/** Scores of one shard's users, in the order in which they were given. */
export interface UserScores {
  readonly tasks: Record<string, TaskScores>;
}

/** A loaded users model. */
export interface UserScorer {
  /**
   * @param users each advanced to the as-of day by this call, in order; `onUser` sees each one before
   * @param profiles of the shard that the users are of
   */
  score(
    users: Iterable<ShardUser>,
    day: number,
    itemText: (id: number) => string,
    onUser: (user: ShardUser) => void,
    profiles?: ProfileWriter,
    texts?: ShardTextWriter,
  ): Promise<UserScores>;
  close(): Promise<void>;
}

/** The recent texts of a shard's users, for a model that reads them. */
export interface ShardTextWriter {
  readonly writer: TextWriter;
  /** Of what the writer writes. */
  readonly numbers: TextNumbers;
}

/**
 * Opens a users model for scoring. One that reads texts is cut where their vectors are, so that each distinct text is
 * encoded once.
 * @param args.files of the model version; its manifest is given beside them
 */
export async function openUserScorer(args: {
  config: Config;
  manifest: UsersModelManifest;
  files: ModelFiles;
  threads: number;
}): Promise<UserScorer> {
  const { config, manifest, files, threads } = args;
  let model = files['model.onnx']!;
  let vectors: KeptVectors | undefined;
  if (manifest.text) {
    const { encoder, rest } = cutAtVectors(decodeModel(model));
    const { maxLength } = manifest.text;
    vectors = new KeptVectors(new TextVectors(encoder, tokenizerOf(files), { maxLength, threads }));
    model = encodeModel(rest, { parametersAs: 'initializers' });
  }
  const session = await openSession(model, { threads });
  return {
    score: (users, day, itemText, onUser, profiles, texts) =>
      new ShardScorer({ config, manifest, session, vectors, day, itemText, profiles, texts }).run(
        users,
        onUser,
      ),
    async close() {
      await session.close();
      await vectors?.close();
    },
  };
}

interface Batch {
  readonly length: number;
  readonly rows: number[];
  readonly features: Float32Array;
  readonly tokens: Int32Array;
  readonly texts: Int32Array;
}

interface ShardScoring {
  readonly config: Config;
  readonly manifest: UsersModelManifest;
  readonly session: Session;
  readonly vectors: KeptVectors | undefined;
  readonly day: number;
  readonly itemText: (id: number) => string;
  readonly profiles: ProfileWriter | undefined;
  readonly texts: ShardTextWriter | undefined;
}

class ShardScorer {
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
  readonly #vectors: KeptVectors | undefined;
  /** Places for texts in a row, and the width of their vectors. */
  readonly #places: number;
  readonly #encoder: TokenEncoder | undefined;
  readonly #buckets: readonly number[];
  readonly #open = new Map<number, Batch>();
  /** Rows of the batches that are under way, in their order. */
  readonly #sent: number[][] = [];
  readonly #logits: number[][] = [];
  readonly #reasons: (string | null)[][];

  constructor({ config, manifest, session, vectors, day, itemText, profiles, texts }: ShardScoring) {
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
    this.#encoder = sequence ? new TokenEncoder(sequence.vocabulary, sequence.length, itemText) : undefined;
    this.#buckets = sequence ? BUCKETS.map((share) => Math.max(1, Math.round(share * sequence.length))) : [0];
    this.#reasons = manifest.heads.map(() => []);
  }

  async run(users: Iterable<ShardUser>, onUser: (user: ShardUser) => void): Promise<UserScores> {
    // A batch is never read again once it is sent, so its memory can move.
    for await (const output of this.#session.runAll(this.#batches(users, onUser), { transfer: true })) {
      this.#take(
        this.#sent.shift()!,
        output.logits!.data as Float32Array,
        output.reasons!.data as Float32Array,
      );
    }
    return {
      tasks: Object.fromEntries(
        this.#manifest.heads.map(({ task }, t) => {
          const logit = Float64Array.from(this.#logits, (row) => row[t]!);
          const probability = logit.map((z) => 1 / (1 + Math.exp(-z)));
          return [task, { logit, probability, reasons: this.#reasons[t]! }];
        }),
      ),
    };
  }

  async *#batches(users: Iterable<ShardUser>, onUser: (user: ShardUser) => void): AsyncGenerator<Feeds> {
    const tasks = this.#manifest.heads.map(({ task }) => userTask(this.#config, task));
    let row = 0;
    for (const user of users) {
      onUser(user);
      user.advance(this.#day);
      // A place outside a task's population stays NaN.
      this.#logits.push(tasks.map((task) => (inPopulation(task, user.state, this.#day) ? 0 : Number.NaN)));
      const visits = Math.min(user.state.tokens.length, this.#encoder?.length ?? 0);
      const length = this.#buckets.find((bucket) => visits <= bucket)!;
      const batch = this.#batch(length);
      const at = batch.rows.length;
      batch.rows.push(row++);
      featureVector(user.state, this.#day, this.#config, this.#whole);
      const behind = this.#pick(batch.features, at * this.#width);
      this.#profiles?.write(user.user, this.#day, batch.features, behind);
      checkFinite(user.user, batch.features, at * this.#width, this.#names);
      if (this.#encoder) {
        this.#encoder.encode(user.state.tokens, this.#day, batch.tokens, at * length * TOKEN_FIELDS, length);
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
      const tokens = new Int32Array(BATCH * length * TOKEN_FIELDS);
      const texts = new Int32Array(BATCH * this.#places * TEXT_FIELDS);
      batch = { length, rows: [], features, tokens, texts };
      this.#open.set(length, batch);
    }
    return batch;
  }

  async #send({ length, rows, features, tokens, texts }: Batch): Promise<Feeds> {
    this.#open.delete(length);
    this.#sent.push(rows);
    return {
      ...(await this.#textFeeds(texts)),
      features: float32(features, [BATCH, this.#width]),
      ...(this.#encoder ? { tokens: int32(tokens, [BATCH, length, TOKEN_FIELDS]) } : {}),
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

  #take(rows: readonly number[], logits: Float32Array, effects: Float32Array): void {
    const { heads, groups, sequence, text } = this.#manifest;
    const branches = branchGroups(text !== undefined);
    const stride = groups.length + branches.length;
    // The column of a branch that the model does not have is behind those that are named.
    const names = (sequence || text ? [...groups, ...branches] : groups).map(groupWords);
    const tasks = heads.length;
    rows.forEach((row, b) => {
      heads.forEach((_, t) => {
        const known = !Number.isNaN(this.#logits[row]![t]!);
        if (known) this.#logits[row]![t] = logits[b * tasks + t]!;
        const from = (b * tasks + t) * stride;
        const own = effects.subarray(from, from + names.length);
        this.#reasons[t]![row] = known ? strongest(names, own, this.#config.exports.reasons) : null;
      });
    });
  }
}
