import { contentId, formatDay } from '../data/index.ts';
import { championOf, type ModelFiles, type VersionRecord } from '../registry/index.ts';
import type { RunManifest, TaskGroup } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { FAMILIES } from './families.ts';
import { figuresOf } from './figures.ts';

/** What is put on record of a version that a run has trained: its data, settings and figures, and who served then. */
export async function recordOf(args: {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly manifest: RunManifest;
  readonly group: TaskGroup;
  readonly version: string;
  readonly files: ModelFiles;
}): Promise<VersionRecord> {
  const { store, runId, manifest, group, version, files } = args;
  const { config, asOf, inputs } = manifest;
  const { events, labels, treatments = [] } = inputs;
  const days = events.flatMap(({ minDay = Number.NaN, maxDay = Number.NaN }) => [minDay, maxDay]);
  const known = days.filter((day) => !Number.isNaN(day)).sort((a, b) => a - b);
  return {
    version,
    runId,
    asOf,
    tasks: group.tasks,
    data: {
      drops: events.length + labels.length + treatments.length,
      firstDay: known.length > 0 ? formatDay(known[0]!) : null,
      lastDay: known.length > 0 ? formatDay(known.at(-1)!) : null,
      inputs: contentId(inputs),
    },
    config: contentId(config),
    seed: config.model.seed,
    parent: await championOf(store, group.name, asOf ?? undefined),
    figures: figuresOf(FAMILIES[group.kind].describe(files, config, group)),
  };
}
