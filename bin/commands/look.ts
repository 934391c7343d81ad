import { join } from 'node:path';
import { Command } from 'commander';
import { NightjarError } from '../../lib/data/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import { isFinished, listDrops, type RunManifest, runIdOf } from '../../lib/run/index.ts';
import { type ObjectStore, readJson } from '../../lib/runtime/index.ts';
import { scoredShards } from '../../lib/score/index.ts';
import type { Workspace } from '../workspace.ts';
import { table, thousands, workspaceOf } from './shared.ts';

interface RunState {
  readonly runId: string;
  readonly purpose: string;
  readonly asOf: string | null;
  /** 'yes', 'no' while its own training is not finished, or 'by champions' that served already. */
  readonly trained: string;
  readonly scored: number;
  readonly shards: number;
  readonly finished: boolean;
  readonly modifiedAt: string;
}

/** `nightjar report`: the page of a run, with what the drops tell by now. */
export function reportCommand(): Command {
  return new Command('report')
    .description("draw a run's report again, with the outcomes that the drops tell by now")
    .option('--run <id>', 'a run (default: the last one that was finished)')
    .option('--json', 'print the path for a machine')
    .action(async (options: { run?: string; json?: boolean }, command: Command) => {
      const workspace = await workspaceOf(command);
      const { store, config } = workspace;
      const runId = options.run ?? (await runStates(store)).filter(({ finished }) => finished).at(-1)?.runId;
      if (!runId)
        throw new NightjarError('no run is finished yet: "nightjar run --as-of YYYY-MM-DD" starts one');
      const drops = await listDrops(store, config);
      const { path } = await evaluateRun({ store, runId, drops, seconds: {}, now: () => new Date() });
      const report = join(workspace.root, path);
      console.log(options.json ? JSON.stringify({ runId, report }) : report);
    });
}

/** `nightjar status`: what is where, what failed, and why. */
export function statusCommand(): Command {
  return new Command('status')
    .description('what lies where: drops by state, refused files with their reason, runs and exports')
    .option('--json', 'print it for a machine')
    .action(async (options: { json?: boolean }, command: Command) => {
      const workspace = await workspaceOf(command);
      const state = await collect(workspace);
      if (options.json) console.log(JSON.stringify(state, null, 2));
      else print(state);
    });
}

async function collect({ store, config, root }: Workspace) {
  const drops = await listDrops(store, config);
  const bySource = new Map<
    string,
    {
      source: string;
      done: number;
      refused: number;
      pending: number;
      rowsIn: number;
      clean: number;
      quarantined: number;
    }
  >();
  for (const drop of drops) {
    const source =
      drop.state === 'pending' ? (drop.key.split('/')[1] ?? '') : (drop.quality.source ?? 'no source');
    let row = bySource.get(source);
    if (!row)
      bySource.set(
        source,
        (row = { source, done: 0, refused: 0, pending: 0, rowsIn: 0, clean: 0, quarantined: 0 }),
      );
    row[drop.state] += 1;
    if (drop.state !== 'done') continue;
    row.rowsIn += drop.quality.rowsIn;
    row.clean += drop.quality.clean;
    row.quarantined += drop.quality.quarantinedRows;
  }
  const refused = drops.flatMap((drop) =>
    drop.state === 'refused' ? { key: drop.key, ...drop.quality.refused } : [],
  );
  const quarantined: Record<string, number> = {};
  for (const drop of drops) {
    if (drop.state !== 'done') continue;
    for (const [reason, rows] of Object.entries(drop.quality.quarantined)) {
      quarantined[reason] = (quarantined[reason] ?? 0) + rows;
    }
  }
  const exports: { asOf: string; runId: string }[] = [];
  for await (const { key } of store.list('exports/')) {
    if (!key.endsWith('/current.json')) continue;
    const current = await readJson<{ runId: string }>(store, key);
    exports.push({ asOf: key.split('/')[1]!.replace('as_of=', ''), runId: current!.runId });
  }
  return {
    root,
    sources: [...bySource.values()],
    refused,
    quarantined,
    runs: await runStates(store),
    exports,
  };
}

/** Every run, oldest first. */
async function runStates(store: ObjectStore): Promise<RunState[]> {
  const runs: RunState[] = [];
  for await (const { key, lastModified } of store.list('runs/')) {
    if (!key.endsWith('/manifest.json')) continue;
    const manifest = await readJson<RunManifest>(store, key);
    if (!manifest) continue;
    const runId = runIdOf(manifest);
    const tables = manifest.groups.every(({ kind }) => kind === 'label');
    runs.push({
      runId,
      purpose: manifest.purpose,
      asOf: manifest.asOf,
      trained: manifest.groups.every(({ name }) => manifest.champions[name])
        ? 'by champions'
        : (await store.head(`runs/${runId}/finetune.json`))
          ? 'yes'
          : 'no',
      scored: tables ? 0 : (await scoredShards(store, runId, manifest.shards)).length,
      shards: tables ? 0 : manifest.shards,
      finished: await isFinished(store, runId, manifest),
      modifiedAt: lastModified.toISOString(),
    });
  }
  return runs.sort((a, b) => (a.modifiedAt < b.modifiedAt ? -1 : 1));
}

function print(state: Awaited<ReturnType<typeof collect>>): void {
  console.log(`bucket ${state.root}\n`);
  const drops = state.sources.map((s) => [
    s.source,
    s.done,
    s.refused,
    s.pending,
    s.rowsIn,
    s.clean,
    s.quarantined,
  ]);
  console.log(table(['source', 'done', 'refused', 'pending', 'rows in', 'clean', 'quarantined'], drops));
  for (const { key, reason, hint } of state.refused) console.log(`refused  ${key}: ${reason} (${hint})`);
  for (const [reason, rows] of Object.entries(state.quarantined)) {
    console.log(`quarantined  ${thousands(rows)} rows: ${reason}`);
  }
  if (state.runs.length > 0) {
    const runs = state.runs.map((run) => [
      run.runId,
      run.purpose,
      run.trained,
      `${run.scored} of ${run.shards}`,
      run.finished ? 'yes' : 'no: start it again',
    ]);
    console.log(`\n${table(['run', 'purpose', 'trained', 'shards scored', 'finished'], runs)}`);
  }
  for (const { asOf, runId } of state.exports) console.log(`export   as of ${asOf}: ${runId}`);
}
