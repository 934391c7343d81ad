import { NightjarError, parseDay } from '../data/index.ts';
import { snapshotInfo } from '../features/index.ts';
import type { BatchRunner, JobDescription, ObjectStore } from '../runtime/index.ts';
import { putJson } from '../runtime/index.ts';
import { dayInputs, type RunManifest } from './manifest.ts';
import { snapshotInfoKey } from './plan.ts';
import type { StageName } from './stages.ts';

/** A runner that can be waited for; in the cloud the next tick looks again instead. */
export interface WaitingRunner extends BatchRunner {
  wait(id: string): Promise<JobDescription>;
}

/** Children that share the shards of a run: each loads the models once. */
const CHILDREN = 2;

/**
 * Runs stages of a run as batch jobs, one after the other, each to its end. Stages are idempotent: what an earlier
 * attempt has finished is skipped by the job itself.
 * @param onStage told before a stage starts, and after it with the seconds it took
 * @throws NightjarError with the job's own reason when one fails
 */
export async function submitRun(args: {
  store: ObjectStore;
  batch: WaitingRunner;
  runId: string;
  manifest: RunManifest;
  stages: readonly StageName[];
  onStage?: (stage: StageName, seconds?: number) => void;
}): Promise<void> {
  const { store, batch, runId, manifest, stages, onStage } = args;
  for (const stage of stages) {
    if (stage === 'finetune' && manifest.groups.every(({ name }) => manifest.champions[name])) continue;
    onStage?.(stage);
    const started = Date.now();
    const children = stage === 'score' ? Math.min(CHILDREN, manifest.shards) : 1;
    const id = await batch.submit({
      name: `${runId}-${stage}`,
      definition: stage,
      environment: { NIGHTJAR_RUN: runId, NIGHTJAR_CHILDREN: String(children) },
      attempts: 3,
      // An array has two children at least.
      ...(children > 1 ? { arraySize: children } : {}),
    });
    const job = await batch.wait(id);
    if (job.status !== 'SUCCEEDED') {
      throw new NightjarError(`${stage} of run ${runId} failed: ${job.reason ?? 'no reason given'}`);
    }
    onStage?.(stage, (Date.now() - started) / 1000);
  }
  if (stages.includes('export') && manifest.purpose === 'night' && manifest.asOf !== null) {
    const info = snapshotInfo({
      config: manifest.config,
      runId,
      asOf: parseDay(manifest.asOf),
      shards: manifest.shards,
      inputs: dayInputs(manifest),
    });
    await putJson(store, snapshotInfoKey(runId), info, { ifAbsent: true });
  }
}
