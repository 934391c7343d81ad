import { type ObjectStore, putJson, readJson } from '../runtime/index.ts';

/** A measure of a version on data that its fit was kept from, with its 95 % interval where one is told. */
export interface Figure {
  readonly value: number;
  readonly interval?: readonly [low: number, high: number];
}

/** What is on record of a version of a group's model, beside the model itself: `models/<group>/versions/<version>.json`. */
export interface VersionRecord {
  readonly version: string;
  /** The run that trained it first; one of the same data and settings gives the same version. */
  readonly runId: string;
  /** The day as of which it was trained; null for a labelled table alone. */
  readonly asOf: string | null;
  readonly tasks: readonly string[];
  /** What it was trained on: drops of events, labels and treatments, the days they cover, and a hash that names all inputs. */
  readonly data: {
    readonly drops: number;
    readonly firstDay: string | null;
    readonly lastDay: string | null;
    readonly inputs: string;
  };
  /** A hash of the whole config. The name of the group carries one of what decides what the model is. */
  readonly config: string;
  readonly seed: number;
  /** Who served when it was trained; null: nobody. */
  readonly parent: string | null;
  /** By task and measure. */
  readonly figures: Readonly<Record<string, Readonly<Record<string, Figure>>>>;
}

const prefix = (group: string): string => `models/${group}/versions/`;

/** Puts a version on record, once. */
export async function putVersion(store: ObjectStore, group: string, record: VersionRecord): Promise<void> {
  await putJson(store, `${prefix(group)}${record.version}.json`, record, { ifAbsent: true });
}

/** The versions of a group that are on record, by the day as of which they were trained, then by name. */
export async function readVersions(store: ObjectStore, group: string): Promise<VersionRecord[]> {
  const records: VersionRecord[] = [];
  for await (const { key } of store.list(prefix(group))) {
    const record = await readJson<VersionRecord>(store, key);
    if (record) records.push(record);
  }
  const order = ({ asOf, version }: VersionRecord) => `${asOf ?? ''} ${version}`;
  return records.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}
