import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/config/index.ts';
import { traceOfRun } from '../../lib/run/index.ts';
import { nightTrace, openFolderStore, putJson, runSegment, runTrace } from '../../lib/runtime/index.ts';
import { startXRay, type XRay } from '../aws/xray.ts';
import { temporaryFolder } from '../runtime/temp.ts';

const config = parseConfig({ shop: { timeZone: 'Pacific/Auckland' }, sources: {}, tasks: {} });
const RUN = '2026-07-02-0123456789abcdef';

async function run(purpose: string, asOf: string | null) {
  const folder = join(await temporaryFolder(), 'bucket');
  const store = await openFolderStore(folder, { durable: false });
  const key = `runs/${RUN}/manifest.json`;
  const inputs = { events: [], items: [], users: [], labels: [] };
  await putJson(store, key, {
    format: 1,
    purpose,
    asOf,
    config,
    groups: [],
    inputs,
    shards: 4,
    champions: {},
  });
  return { folder, store, planned: (await store.head(key))!.lastModified };
}

describe('the trace of a run', () => {
  it.each(['night', 'training'])('of a %s is that of its day', async (purpose) => {
    const { store } = await run(purpose, '2026-07-02');
    expect(await traceOfRun(store, 'prod', RUN)).toEqual({
      traceId: nightTrace('prod', config, '2026-07-02'),
      segment: runSegment(RUN),
      annotations: { as_of: '2026-07-02', run: RUN, purpose },
    });
  });

  it('of a past day is one of its own, as old as its manifest', async () => {
    const { store, planned } = await run('backfill', '2020-01-01');
    const { traceId, annotations } = await traceOfRun(store, 'prod', RUN);
    expect(traceId).toBe(runTrace('prod', RUN, planned));
    expect(annotations.as_of).toBe('2020-01-01');
  });

  it("of tables alone is that of the shop's day on which it was planned", async () => {
    const { store, planned } = await run('night', null);
    const shown = new Intl.DateTimeFormat('en-CA', { timeZone: 'Pacific/Auckland' }).format(planned);
    const { traceId, annotations } = await traceOfRun(store, 'prod', RUN);
    expect(annotations.as_of).toBe(shown);
    expect(traceId).toBe(nightTrace('prod', config, shown));
  });
});

describe('a job that fails', () => {
  let xray: XRay;
  beforeEach(async () => {
    xray = await startXRay();
  });
  afterEach(() => xray.close());

  /** The export of a run with a task group and no model of it. */
  async function exportJob(env: Record<string, string>) {
    const { folder } = await run('night', '2026-07-02');
    const key = `${folder}.key`;
    await writeFile(key, new Uint8Array(63));
    const main = fileURLToPath(new URL('../../containers/export/main.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main], {
      env: { ...process.env, NIGHTJAR_STORE: folder, NIGHTJAR_KEY_FILE: key, NIGHTJAR_RUN: RUN, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [log, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    const lines: Record<string, unknown>[] = log
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    return { lines, errors, code: child.exitCode };
  }

  it('is seen from its beginning and is a fault; its lines bear the id and say why', async () => {
    // when
    const { lines, errors, code } = await exportJob({ AWS_BATCH_JOB_ATTEMPT: '2' });
    // then
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringMatching(/has 63 bytes/) });
    const traceId = nightTrace('prod', config, '2026-07-02');
    const place = { name: 'nightjar-prod-export', trace_id: traceId, parent_id: runSegment(RUN) };
    expect(xray.documents).toMatchObject([
      { ...place, in_progress: true, annotations: { run: RUN, attempt: 2 } },
      { ...place, fault: true, cause: { exceptions: [{ type: 'ConfigError' }] } },
    ]);
    expect(lines).toMatchObject([
      { health: { job: 'export' } },
      { job: 'export', began: { run: RUN }, trace_id: traceId },
      { job: 'export', failed: expect.stringMatching(/has 63 bytes/), trace_id: traceId },
    ]);
  });

  it('tells nobody but its log where nothing is to be traced', async () => {
    const { lines, code } = await exportJob({ NIGHTJAR_TRACES: '' });
    expect(code).toBe(1);
    expect(xray.documents).toEqual([]);
    expect(lines).toMatchObject([{ health: { job: 'export' } }]);
  });
});
