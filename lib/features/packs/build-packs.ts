import { contentId, decodeArrow } from '../../data/index.ts';
import { byteSource, ObjectNotFound, type ObjectStore } from '../../runtime/index.ts';
import { ShardedFiles } from '../sharded-files.ts';
import { byPeriod, coverByPacks, type PackInput, type PackKind, packPrefix } from './cover.ts';
import { encodePack, type Member } from './pack-file.ts';

/** Files of drops that lie beside the packs of a period are packed once there are so many. */
const FEWEST = 8;
/** A larger file is read well as it is. */
const LARGEST_FILE = 4 << 20;
/** Bytes of a pack at most, about: it is made in memory. */
const PACK_BYTES = 64 << 20;
/** Files read at the same time. */
const PARALLEL = 16;

/** A file in memory that is to become part of a pack. */
interface Small extends Member {
  readonly bytes: number;
  /** Only files of one schema go into one pack. */
  readonly schema: string;
}

/**
 * Packs the small files of drops by month, where enough of them lie beside the packs that there are. Packs are derived
 * from files that stay, no manifest names them, and readers do as well without them: they may be deleted at any time. What a
 * pack is named decides what it holds, so two jobs that pack at once write the same objects.
 */
export async function packSmallFiles(
  store: ObjectStore,
  kind: PackKind,
  inputs: readonly PackInput[],
): Promise<void> {
  if (inputs.length < FEWEST) return;
  const { loose, damaged } = await coverByPacks(store, new ShardedFiles(store), kind, inputs);
  const lying = new Set(loose.map(({ dropId }) => dropId));
  for (const [period, own] of byPeriod(inputs)) {
    const beside = own.filter(({ dropId }) => lying.has(dropId));
    if (beside.length < FEWEST) continue;
    const small = (await sizes(store, beside)).filter((size) => size <= LARGEST_FILE).length;
    if (small < FEWEST) continue;
    for await (const members of groups(store, own)) {
      const held = members.map(({ held }) => held);
      const count = String(held.length).padStart(6, '0');
      const key = `${packPrefix(kind)}${period}/${count}-${contentId({ format: 1, held })}.arrow`;
      await store.put(key, encodePack(members, kind === 'days'), damaged.has(key) ? {} : { ifAbsent: true });
    }
  }
}

/** Sizes of objects; of one that is not there 0. */
async function sizes(store: ObjectStore, inputs: readonly PackInput[]): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < inputs.length; i += PARALLEL) {
    const heads = inputs.slice(i, i + PARALLEL).map(({ key }) => store.head(key));
    found.push(...(await Promise.all(heads)).map((info) => info?.size ?? 0));
  }
  return found;
}

/** The small files among the inputs, in their order, in groups that are worth a pack each. */
async function* groups(store: ObjectStore, inputs: readonly PackInput[]): AsyncGenerator<Small[]> {
  const open = new Map<string, Small[]>();
  for (let i = 0; i < inputs.length; i += PARALLEL) {
    const read = inputs.slice(i, i + PARALLEL).map((input) => readSmall(store, input));
    for (const file of await Promise.all(read)) {
      if (!file) continue;
      const group = open.get(file.schema) ?? [];
      open.set(file.schema, [...group, file]);
      if (group.reduce((sum, { bytes }) => sum + bytes, file.bytes) < PACK_BYTES) continue;
      yield open.get(file.schema)!;
      open.delete(file.schema);
    }
  }
  for (const group of open.values()) if (group.length > 1) yield group;
}

/** Undefined for a file that is too large, that is not there, or that has no rows. */
async function readSmall(store: ObjectStore, input: PackInput): Promise<Small | undefined> {
  const { key, dropId, revision, minDay, maxDay } = input;
  try {
    const source = await byteSource(store, key);
    if (source.size > LARGEST_FILE) return undefined;
    const { schema, batches } = decodeArrow(await source.read(0, source.size), key);
    if (batches.length === 0) return undefined;
    const signature = schema.fields.map(({ name, type, nullable }) => `${name} ${type} ${nullable}`).join();
    return {
      held: { dropId, revision, minDay, maxDay },
      batches,
      bytes: source.size,
      schema: signature,
    };
  } catch (error) {
    if (error instanceof ObjectNotFound) return undefined;
    throw error;
  }
}
