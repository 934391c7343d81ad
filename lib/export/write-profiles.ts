import { canonicalJson } from '../data/index.ts';
import { type ObjectStore, readJson } from '../runtime/index.ts';
import type { Crew } from './crew.ts';
import type { ExportFile, Format, ProfilesSummary } from './manifest.ts';
import {
  type AnomalyModel,
  anomalyKey,
  fitAnomaly,
  formerSegments,
  type ProfileNight,
  type ProfilePartArguments,
  type ProfileTable,
  profileNight,
  segmentsKey,
  summaryOf,
} from './profiles/index.ts';
import { type FileSizes, inOrder, objectKeys, partName, partsOf } from './table.ts';

interface WriteProfiles {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly asOf: string;
  readonly formats: readonly Format[];
  readonly sizes: FileSizes;
  readonly onProgress: (text: string) => void;
}

/**
 * Writes the table of profiles. What users are compared with is found first, over all shards, and kept beside the export: an
 * export that is killed goes on with it, whatever nights have ended meanwhile.
 * @param folder of the crew
 */
export async function writeProfiles(
  args: WriteProfiles,
  table: ProfileTable,
  crew: Crew,
  folder: string,
): Promise<{ files: ExportFile[]; summary: ProfilesSummary }> {
  const { store, runId, asOf, formats, sizes, onProgress } = args;
  const key = segmentsKey(asOf, runId);
  let night = await readJson<ProfileNight>(store, key);
  if (!night) {
    const shards = await crew.all(
      'measure',
      table.profiles.map((profiles, shard) => ({ key: profiles, shard })),
      (done) => onProgress(`profiles: measured shard ${done} of ${table.profiles.length}`),
    );
    // What proves the measures taken is put last.
    if (table.anomaly !== undefined) {
      const ordinary = fitAnomaly(folder, shards.length);
      await store.put(anomalyKey(asOf, runId), canonicalJson(ordinary), { ifAbsent: true });
    }
    const found = profileNight(folder, shards, await formerSegments(store, asOf));
    await store.put(key, canonicalJson(found), { ifAbsent: true });
    night = (await readJson<ProfileNight>(store, key))!;
  }
  const { users, bands, model } = night;
  const anomaly =
    table.anomaly === undefined
      ? null
      : ((await readJson<AnomalyModel>(store, anomalyKey(asOf, runId))) ?? null);
  const parts = partsOf(users, table.profiles.length, sizes);
  const each = table.profiles.length / parts;
  const written = await crew.all(
    'profilePart',
    Array.from({ length: parts }, (_, part): ProfilePartArguments => {
      return {
        ...{ table, part, parts, bands, model, anomaly },
        keys: objectKeys(args, 'profiles', partName('profiles', part, parts)),
        shards: Array.from({ length: each }, (_, i) => part * each + i),
      };
    }),
    (done) => onProgress(`profiles: wrote part ${done} of ${parts}`),
  );
  return { files: inOrder(formats, written.flat()), summary: summaryOf(night) };
}
