import { contentId, NightjarError } from '../data/index.ts';
import { leftOutOf, type Outcomes, versionsOf } from '../models/index.ts';
import { type RunReport, renderReport } from '../report/index.ts';
import { buildManifest, type DropState, readManifest, scoreKeys } from '../run/index.ts';
import { type ObjectStore, putJson } from '../runtime/index.ts';
import { metricsOf } from './metrics.ts';
import { collectOutcomes, isClosed } from './outcomes.ts';
import type { StageSeconds } from './report-args.ts';
import { runReport } from './run-report.ts';

const reportKey = (runId: string): string => `runs/${runId}/report.html`;

/**
 * Compares a run with what happened, as far as the drops tell by now, and draws its report: `evaluation.json`,
 * `report.json` and `report.html` under the run. Later calls know more and replace them.
 * @param drops all drops as they stand now; they may reach past the as-of day
 * @param tasks those that must be compared: an error when their window is not over. Default: those whose window is.
 * @throws NightjarError when the run's scores are not there
 */
export async function evaluateRun(args: {
  store: ObjectStore;
  runId: string;
  drops: readonly DropState[];
  seconds: StageSeconds;
  tasks?: readonly string[];
  now: () => Date;
}): Promise<{ outcomes: Record<string, Outcomes>; report: RunReport; path: string }> {
  const { store, runId, drops, seconds, tasks: asked } = args;
  const manifest = await readManifest(store, runId);
  const later = buildManifest({ ...manifest, drops });
  const versions = await versionsOf(store, runId, manifest);
  const served = manifest.groups.filter(({ name }) => versions[name]);
  const [first] = scoreKeys(runId, served, manifest.shards);
  if (first !== undefined && !(await store.head(first))) {
    throw new NightjarError(
      `the scores of run ${runId} are not there: it has not been scored, or they are older than what is kept and were deleted`,
    );
  }
  const leftOut = await leftOutOf(store, runId, manifest, versions);
  const without = new Set(leftOut.map(({ task }) => task));
  const known = manifest.groups.flatMap((group) => group.tasks).filter((name) => !without.has(name));
  const tasks = asked ?? known.filter((name) => isClosed(manifest, later, name));
  const outcomes = await collectOutcomes({ store, runId, manifest, later, tasks });
  const metrics = Object.fromEntries(Object.entries(outcomes).map(([name, own]) => [name, metricsOf(own)]));
  const report = await runReport({
    store,
    runId,
    manifest,
    drops,
    outcomes,
    asked,
    leftOut,
    versions,
    seconds,
    now: args.now(),
  });
  await putJson(store, `runs/${runId}/report.json`, report);
  await store.put(reportKey(runId), renderReport(report));
  await putJson(store, `runs/${runId}/evaluation.json`, { inputs: contentId(later.inputs), metrics });
  return { outcomes, report, path: reportKey(runId) };
}
