import { parseDay } from '../../data/index.ts';
import { type Feeds, float32 } from '../../engine/host/index.ts';
import { openSession, type Session } from '../../engine/train/index.ts';
import { groupWords } from '../../features/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { ScoreContext, Scorer, UserWalk, ValueScores } from '../family.ts';
import {
  type Asked,
  openAsking,
  openProfiles,
  type ProfileWriter,
  parseManifest,
  probabilityOf,
  strongest,
} from '../shared/index.ts';
import {
  BASE_WIDTH,
  type BaseForecast,
  daysToNext,
  forecast,
  tellsAlive,
  writeBase,
} from './customer-base.ts';
import { blended, meanSize, priorOf } from './fit.ts';
import { type History, readHistory } from './history.ts';
import { intervalOf } from './interval.ts';
import { type ValueModelManifest, valueManifest } from './manifest.ts';
import { RowWriter } from './rows.ts';
import { valueTask } from './value-task.ts';

/** Rows of every batch: always the same, the last one filled up, because results may depend on the batch's size. */
const BATCH = 256;

/** Opens a value model for the shards of a run. */
export async function openValueScorer(files: ModelFiles, context: ScoreContext): Promise<Scorer> {
  const { store, manifest: run, threads } = context;
  const manifest = parseManifest(valueManifest, files);
  const session = await openSession(files['model.onnx']!, { threads });
  const { task: name } = manifest;
  const asking = await openAsking(store, run, [{ name, task: valueTask(run, name) }]);
  return {
    async score(users, shard) {
      const profiles = await openProfiles(store, run, manifest.profile, shard);
      const asked = await asking.shard(shard, users, [parseDay(run.asOf!)]);
      const own = await new ShardValues({ context, manifest, session, profiles, asked }).run(users);
      return { values: { [manifest.task]: own } };
    },
    close: () => session.close(),
  };
}

interface Scoring {
  readonly context: ScoreContext;
  readonly manifest: ValueModelManifest;
  readonly session: Session;
  readonly profiles: ProfileWriter;
  readonly asked: Asked;
}

/** A user who is asked, until the trees have answered. */
interface Waiting {
  readonly row: number;
  readonly base: BaseForecast;
  readonly history: History;
  readonly next: number;
}

/** Values of one shard's users. */
class ShardValues {
  readonly #s: Scoring;
  readonly #day: number;
  readonly #horizon: number;
  readonly #columns: { readonly [K in Exclude<keyof ValueScores, 'reasons'>]: number[] } = {
    ...{ value: [], low: [], high: [], alive: [], next: [] },
  };
  readonly #reasons: (string | null)[] = [];
  /** Users of the batches that are under way, in their order. */
  readonly #sent: Waiting[][] = [];

  constructor(scoring: Scoring) {
    this.#s = scoring;
    const { manifest } = scoring.context;
    this.#day = parseDay(manifest.asOf!);
    this.#horizon = valueTask(manifest, scoring.manifest.task).horizonDays;
  }

  async run(users: UserWalk): Promise<ValueScores> {
    for await (const output of this.#s.session.runAll(this.#batches(users), { transfer: true })) {
      const of = (name: string) => output[name]?.data as Float32Array | undefined;
      const told = { chance: of('chance')!, size: of('size')!, total: of('total')!, reasons: of('reasons') };
      for (const [i, one] of this.#sent.shift()!.entries()) this.#take(one, i, told);
    }
    const { value, low, high, alive, next } = this.#columns;
    const column = (numbers: number[]) => Float64Array.from(numbers);
    return {
      ...{
        value: column(value),
        low: column(low),
        high: column(high),
        alive: column(alive),
        next: column(next),
      },
      reasons: this.#reasons,
    };
  }

  *#batches(users: UserWalk): Generator<Feeds> {
    const { context, manifest, profiles, asked } = this.#s;
    const { config } = context.manifest;
    const task = valueTask(context.manifest, manifest.task);
    const writer = new RowWriter(config, task, manifest);
    const { reads, width } = writer;
    const whole = new Float32Array(width);
    let batch = new Float32Array(BATCH * reads);
    let waiting: Waiting[] = [];
    let row = 0;
    for (const one of users) {
      const { user, state } = one;
      one.advance(this.#day);
      for (const column of Object.values(this.#columns)) column.push(Number.NaN);
      this.#reasons.push(null);
      const place = row++;
      if (!asked.asks(0, one, this.#day)) continue;
      writer.write(user, state, this.#day, profiles, whole, 0);
      const history = readHistory(whole, reads);
      const told = forecast(manifest.base, history, this.#horizon);
      writeBase(told, whole, reads - BASE_WIDTH);
      batch.set(whole.subarray(0, reads), waiting.length * reads);
      waiting.push({ row: place, base: told, history, next: daysToNext(manifest.base, history) });
      if (waiting.length < BATCH) continue;
      this.#sent.push(waiting);
      yield { features: float32(batch, [BATCH, reads]) };
      batch = new Float32Array(BATCH * reads);
      waiting = [];
    }
    if (waiting.length === 0) return;
    this.#sent.push(waiting);
    yield { features: float32(batch, [BATCH, reads]) };
  }

  #take(
    { row, next, base, history }: Waiting,
    i: number,
    told: {
      chance: Float32Array;
      size: Float32Array;
      total: Float32Array;
      reasons: Float32Array | undefined;
    },
  ): void {
    const { manifest, context } = this.#s;
    const { weights, spread, interval, typical, groups } = manifest;
    const chance = probabilityOf(told.chance[i]!);
    const prior = priorOf(base, typical);
    const members = [
      Float64Array.of(base.transactions * base.mean),
      Float64Array.of(chance * meanSize(told.size[i]!, spread)),
      Float64Array.of(prior * Math.exp(told.total[i]!)),
    ];
    // The customer base's model alone says nothing of who never had the event.
    const silent = weights[0] === 1 && history.days === 0;
    const value = silent ? Number.NaN : blended(members, weights, 1)[0]!;
    const [low, high] =
      interval === undefined || silent ? [Number.NaN, Number.NaN] : intervalOf({ chance, value }, interval);
    const set = (column: number[], number: number) => {
      column[row] = number;
    };
    set(this.#columns.value, value);
    set(this.#columns.low, low);
    set(this.#columns.high, high);
    if (!Number.isNaN(next)) {
      if (tellsAlive(history)) set(this.#columns.alive, base.alive);
      set(this.#columns.next, next);
    }
    if (told.reasons && groups.length > 0) {
      const own = told.reasons.subarray(i * groups.length, (i + 1) * groups.length);
      this.#reasons[row] = strongest(groups.map(groupWords), own, context.manifest.config.exports.reasons);
    }
  }
}
