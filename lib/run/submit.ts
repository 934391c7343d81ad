import { NightjarError } from '../data/index.ts';
import type { BatchRunner, JobDescription, ObjectStore } from '../runtime/index.ts';
import { advanceRun, failuresSoFar } from './advance.ts';
import type { RunHead } from './manifest.ts';
import { type StageName, stagesOf } from './stages.ts';

/** A runner that can be waited for; in the cloud the next tick looks again instead. */
export interface WaitingRunner extends BatchRunner {
  wait(id: string): Promise<JobDescription>;
}

/** Children that share the shards of a run. They would work one after the other here, and each would load all models. */
const CHILDREN = 1;

/**
 * Runs stages of a run as batch jobs, one after the other, each to its end. What stands already is not done again.
 * Whoever waits sees a failure at once and decides: no job is submitted twice.
 * @param onStage told before a stage starts, and after it with the seconds it took
 * @throws NightjarError with the job's own reason when one fails
 */
export async function submitRun(args: {
  store: ObjectStore;
  batch: WaitingRunner;
  runId: string;
  manifest: RunHead;
  stages: readonly StageName[];
  onStage?: (stage: StageName, seconds?: number) => void;
}): Promise<void> {
  const { store, batch, runId, manifest, stages, onStage } = args;
  for (const stage of stages) {
    if (stage === 'finetune' && !stagesOf(manifest).includes(stage)) continue;
    onStage?.(stage);
    const started = Date.now();
    const submits = (await failuresSoFar(store, runId, stage)) + 1;
    for (;;) {
      const { state, jobs, reason } = await advanceRun({
        store,
        batch,
        runId,
        manifest,
        children: CHILDREN,
        now: new Date(),
        stages: [stage],
        submits,
        mustBeCurrent: true,
      });
      if (state === 'failed') throw new NightjarError(reason ?? `${stage} of run ${runId} failed`);
      if (state === 'finished') break;
      await batch.wait(jobs[stage]!);
    }
    onStage?.(stage, (Date.now() - started) / 1000);
  }
}
