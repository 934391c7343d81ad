import type { z } from 'zod';
import type { Config } from '../config/index.ts';
import type { FitStore } from '../engine/train/index.ts';
import type { Interner, ShardUser } from '../features/index.ts';
import type { ModelFiles } from '../registry/index.ts';
import type { RunManifest, RunUsers, TaskGroup } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import type { Costs, LatestRows, Trial } from './candidates/index.ts';
import type { ModelDescription } from './description.ts';
import type { UpliftOutcomes, UpliftScores } from './effects.ts';
import type { ClassOutcomes, ClassScores, NumberOutcomes, NumberScores } from './label-answers.ts';
import type { LeftOut, Progress, Scarce } from './shared/index.ts';

/** What the data of a group of tasks is good for. */
export interface GroupCheck {
  /** Tasks that can be trained. */
  readonly tasks: readonly string[];
  readonly leftOut: readonly LeftOut[];
  /** Tasks that are trained although something speaks against it, and what. */
  readonly warnings: readonly LeftOut[];
  /** Tasks that there is little data for, which priors help to answer; absent where there are none. */
  readonly scarce?: readonly Scarce[];
}

/** A group without the tasks that cannot be trained yet. */
export interface CheckedGroup extends TaskGroup {
  readonly leftOut?: readonly LeftOut[];
  readonly scarce?: readonly Scarce[];
}

export interface CheckContext {
  readonly store: ObjectStore;
  readonly manifest: RunManifest;
  /** Of runs over users: reads them, or a sample where they are many. */
  readonly users: () => Promise<RunUsers>;
  readonly group: TaskGroup;
}

export interface TrainContext {
  readonly store: ObjectStore;
  readonly manifest: RunManifest;
  /** As in `CheckContext`. */
  readonly users: () => Promise<RunUsers>;
  readonly group: CheckedGroup;
  readonly progress: Progress;
  /** Keeps the fits for a training that is started again. */
  readonly fits?: FitStore | undefined;
  /** Gets what each candidate cost that was tried, by name: times differ from run to run, so no model holds them. */
  readonly tellCosts?: (costs: Readonly<Record<string, Costs>>) => void;
  /** Gets what the chosen form says of the latest rows that no fit had seen, for a comparison with another version. */
  readonly tellLatest?: (rows: readonly LatestRows[]) => void;
}

export interface TrialsContext extends TrainContext {
  /** The one that is asked about. */
  readonly task: string;
  /** Past days to try the candidates as of, ascending; default: the latest whose windows are over. Labelled tables have none. */
  readonly days?: readonly number[] | undefined;
  /** Names of those that are tried; default: what the config offers. */
  readonly names?: readonly string[] | undefined;
  /** Asked before each fit. */
  readonly goOn?: () => boolean;
}

/** Candidates tried side by side. */
export interface Trials {
  readonly tasks: readonly string[];
  readonly trials: readonly Trial[];
}

/** Lists of several models for the users that are judged on a past day, and what they then took. */
export interface ListTrial {
  /** Shop day. */
  readonly day: number;
  readonly truth: readonly ReadonlySet<string>[];
  /** In [0, 1), the same of a user on all days. */
  readonly users: readonly number[];
  /** By model, best first, in the order of the users. */
  readonly lists: ReadonlyMap<string, readonly string[][]>;
  /** To fit a model and to make the lists. */
  readonly seconds: ReadonlyMap<string, number>;
  /** Models that were not begun in time. */
  readonly cut: readonly string[];
}

/** Models of lists tried side by side. */
export interface ListTrials {
  readonly task: string;
  /** Length of a list. */
  readonly k: number;
  readonly trials: readonly ListTrial[];
}

export interface ScoreContext {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly manifest: RunManifest;
  readonly group: TaskGroup;
  /** Threads of a session. */
  readonly threads: number;
}

/** Scores of one yes-or-no task, one place per user of the shard; NaN and null where the user is not in the task's population. */
export interface TaskScores {
  /** Raw output of the model: the order of users. */
  readonly logit: Float64Array;
  /** 1 / (1 + exp(-logit)). Where the level was off at several past days, the logit is corrected already. */
  readonly probability: Float64Array;
  /** JSON list of the strongest reasons, such as [{"name":"how often","value":0.41}]. */
  readonly reasons: (string | null)[];
}

/** What the windows of a value task will come to, one place per user; NaN and null where the user is not asked. */
export interface ValueScores {
  /** Expected, in major units of money, orders or units. */
  readonly value: Float64Array;
  /** The ends of an interval that holds 80 %; NaN where none can be told. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Chance that the user is a customer still, and days until half of such users have come back; NaN of prospects. */
  readonly alive: Float64Array;
  readonly next: Float64Array;
  /** As of yes-or-no tasks, in parts of the logarithm of the expected value. */
  readonly reasons: (string | null)[];
}

/** What a model says of some users, or rows, in their order. */
export interface Answers {
  readonly tasks: Record<string, TaskScores>;
  /** Per list task the user's top items as JSON lists of named values, best first; null without any. */
  readonly lists: Record<string, (string | null)[]>;
  /** Per list task, where they are asked for, a JSON list with the reason of each entry; null beside a list that is null. */
  readonly listReasons?: Record<string, (string | null)[]>;
  readonly values: Record<string, ValueScores>;
  /** Per audience of a list task the probability that the user takes its value; NaN where the model does not know the user. */
  readonly audiences?: Record<string, Float64Array>;
  /** Absent where no task is of a treatment. */
  readonly uplifts?: Record<string, UpliftScores>;
}

/** Units that are expected of items, one place per item; NaN where the task knows none of an item. */
export interface TaskForecasts {
  readonly units: Float64Array;
  /** The interval that holds what comes with a chance of 80 %. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Chance that more are wanted than are in stock; NaN where the stock is not known. */
  readonly stockout: Float64Array;
}

/** Scores of one shard of users in ascending order of (hash, user); or the rows of a labelled table, or items, in an order of their own. */
export interface ShardScores extends Answers {
  readonly users: string[];
  readonly hashes: Uint32Array;
  /** Per task over items what is expected, where `users` are items. */
  readonly forecasts?: Readonly<Record<string, TaskForecasts>>;
  /** Per task over a labelled table whose answer is no yes or no. */
  readonly classes?: Readonly<Record<string, ClassScores>>;
  readonly numbers?: Readonly<Record<string, NumberScores>>;
  /** Of rows that came without a label: whose each is, a pseudonym or null, and when it came (ms UTC). */
  readonly arrived?: { readonly senders: readonly (string | null)[]; readonly times: Float64Array };
  /** SHA-256 (hex) of each user's address as it was known by the as-of day; absent where the shop maps none. */
  readonly emails?: (string | null)[];
}

/** The users of a shard in ascending order of (hash, user), for one walk or several. */
export interface UserWalk extends Iterable<ShardUser> {
  /** Names of the items in days and states. */
  readonly items: Interner;
}

/** A loaded model over users. */
export interface Scorer {
  /**
   * Scores the users of a shard in their order. Walks them and advances each to the as-of day.
   * @param shard number of the shard
   */
  score(users: UserWalk, shard: number): Promise<Partial<Answers>>;
  close(): Promise<void>;
}

export interface EvaluateContext {
  readonly store: ObjectStore;
  readonly manifest: RunManifest;
  /** Names inputs that reach past the windows of the tasks. */
  readonly later: RunManifest;
  /** Tasks of the family that are compared. */
  readonly tasks: readonly string[];
}

/** Predictions of a yes-or-no task beside what then happened, for the task's population. */
export interface BinaryOutcomes {
  readonly kind: 'binary';
  /** Pseudonyms, or row numbers of a labelled table. */
  readonly ids: string[];
  readonly labels: number[];
  readonly probabilities: number[];
}

/** Lists beside what the users then took; only users who took something, and of whose taste something was known before. */
export interface ListedOutcomes {
  readonly kind: 'list';
  readonly ids: string[];
  readonly truth: ReadonlySet<string>[];
  readonly lists: string[][];
  readonly k: number;
  /** By name of an audience of the task, for all users whom its model knows. */
  readonly audiences: Readonly<Record<string, BinaryOutcomes>>;
}

/** Expected values beside what the windows came to, for the task's population. */
export interface ValueOutcomes {
  readonly kind: 'value';
  readonly ids: string[];
  readonly truth: number[];
  readonly values: number[];
  /** NaN where no interval was told. */
  readonly low: number[];
  readonly high: number[];
}

/** Expected units beside what was then wanted, one place per item that has a forecast. */
export interface DemandOutcomes {
  readonly kind: 'demand';
  /** Items, or values of the attribute that is forecast. */
  readonly ids: string[];
  /** Units before the as-of day, as far as the forecast looks back: what the largest items are found by. */
  readonly past: number[];
  readonly real: number[];
  readonly units: number[];
  readonly low: number[];
  readonly high: number[];
  /** NaN where the stock is not known. */
  readonly stockout: number[];
  /** What the yardsticks say: the last week repeated, and the mean of the last four weeks. */
  readonly naive: number[];
  readonly average: number[];
}

export type Outcomes =
  | BinaryOutcomes
  | ListedOutcomes
  | ValueOutcomes
  | DemandOutcomes
  | UpliftOutcomes
  | ClassOutcomes
  | NumberOutcomes;

/** Compares scores of users with what they then did. All families see one walk over the users. */
export interface OutcomeCollector {
  /** By task; complete after the walk. */
  readonly outcomes: Readonly<Record<string, Outcomes>>;
  /**
   * @param user whose days reach past the label windows
   * @param row place of the user in the scores
   * @param itemText names of the items in the user's days
   */
  add(user: ShardUser, scores: ShardScores, row: number, itemText: (id: number) => string): void;
}

/** What every family of tasks offers. */
interface Family<M> {
  /** The form of `manifest.json` beside its models. */
  readonly manifest: z.ZodType<M>;
  /** Looks, before anything is trained, whether there is enough to learn each task of a group from. */
  check(context: CheckContext): Promise<GroupCheck>;
  /** Trains the model of a group: `manifest.json` and what scoring needs beside it, such as `model.onnx`. */
  train(context: TrainContext): Promise<ModelFiles>;
  /**
   * Tries the candidates of a group side by side; absent where there is one form of model.
   * @throws ConfigError for a name that no candidate has, DataError for a day that there is nothing to learn before
   */
  trials?(context: TrialsContext): Promise<Trials>;
  /** The same of models whose answers are lists. */
  listTrials?(context: TrialsContext): Promise<ListTrials>;
  /** @throws DataError when the manifest is not of the family's form */
  describe(files: ModelFiles, config: Config, group: TaskGroup): ModelDescription;
}

/** Tasks over users: a model scores them shard by shard, as of a day. */
export interface FamilyOverUsers<M> extends Family<M> {
  readonly over: 'users';
  open(files: ModelFiles, context: ScoreContext): Promise<Scorer>;
  outcomes(context: EvaluateContext): Promise<OutcomeCollector>;
}

/** Tasks over what is scored whole: the rows of a labelled table, which has no day, or items as of a day. */
export interface FamilyOverRows<M> extends Family<M> {
  readonly over: 'rows' | 'items';
  /** Scores every row of the group's table in the order of row numbers, or every item in that of their names. */
  score(files: ModelFiles, context: ScoreContext): Promise<ShardScores>;
  /** The files that a night scores with, where they are not those of the model. */
  served?(files: ModelFiles, context: ScoreContext, progress: Progress): Promise<ModelFiles>;
  /** Scores the rows that came without a label, where the family answers any; undefined where the group's task answers none. */
  scoreUnlabelled?(files: ModelFiles, context: ScoreContext): Promise<ShardScores | undefined>;
  /** @param scores of the table of the group */
  outcomes(context: EvaluateContext, scores: ShardScores): Promise<Record<string, Outcomes>>;
}

/**
 * A family of tasks that one kind of model answers. Training, scoring, evaluation and export look families up in one
 * list (`families.ts`) and know no more of them than what stands here.
 */
export type ModelFamily<M> = FamilyOverUsers<M> | FamilyOverRows<M>;
