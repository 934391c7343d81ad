import { type AudienceArguments, type BestArguments, bestOfAddresses, writeAudience } from './addresses.ts';
import type { StepContext } from './context.ts';
import type { ExportFile } from './manifest.ts';
import { type PartArguments, type PartResult, writePart } from './part.ts';
import {
  type MeasureArguments,
  type Measured,
  measureShard,
  type ProfilePartArguments,
  writeProfilePart,
} from './profiles/index.ts';
import { fileSorted, mergeRanks, type Segment } from './ranks.ts';
import { rankedBy, readScores } from './shard-rows.ts';
import { type ExportTable, rankedTasks } from './table.ts';

export interface SortArguments {
  readonly table: ExportTable;
  readonly shard: number;
}

export interface MergeArguments {
  readonly task: number;
  readonly segments: readonly Segment[];
}

/** Steps of an export, each with plain data in and out, as another process may do it. */
export interface Steps {
  /** Files the sorted logits of a shard. Out: its rows, how many of them each task ranks, and what its users did on the last days. */
  sort: { argument: SortArguments; result: { rows: number; ranked: number[]; days?: string } };
  /** Ranks a task's users over all shards. */
  merge: { argument: MergeArguments; result: null };
  /** Writes a part of a table. */
  part: { argument: PartArguments; result: PartResult };
  best: { argument: BestArguments; result: null };
  audience: { argument: AudienceArguments; result: ExportFile[] };
  /** Files the numbers of a shard's users that their profiles are compared by. */
  measure: { argument: MeasureArguments; result: Measured };
  /** Writes a part of the table of profiles. */
  profilePart: { argument: ProfilePartArguments; result: readonly ExportFile[] };
}

export type StepName = keyof Steps;

type Step<K extends StepName> = (
  context: StepContext,
  argument: Steps[K]['argument'],
) => Promise<Steps[K]['result']>;

export const STEPS: { readonly [K in StepName]: Step<K> } = {
  async sort({ store, folder }, { table, shard }) {
    const scores = await readScores(store, table.scores[shard]!);
    const ranked: number[] = [];
    for (const [task, name] of rankedTasks(table.shape).entries()) {
      ranked.push(await fileSorted(folder, task, shard, rankedBy(scores, name)));
    }
    return { rows: scores.rows, ranked, ...(scores.days === undefined ? {} : { days: scores.days }) };
  },
  async merge({ folder }, { task, segments }) {
    mergeRanks(folder, task, segments);
    return null;
  },
  part: writePart,
  async best(context, argument) {
    await bestOfAddresses(context, argument);
    return null;
  },
  audience: writeAudience,
  measure: measureShard,
  profilePart: writeProfilePart,
};
