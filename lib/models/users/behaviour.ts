import type { Config } from '../../config/index.ts';
import {
  ConfigError,
  DataError,
  EVENT_TYPES,
  type EventType,
  formatDay,
  stableUnit,
} from '../../data/index.ts';
import type { CurvePoint, FitStore } from '../../engine/train/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { RunUsers } from '../../run/index.ts';
import { getBytes, type ObjectStore } from '../../runtime/index.ts';
import {
  ANY_SHOP,
  type BehaviourShape,
  type BroughtEncoder,
  decodeBehaviour,
  encodeBehaviour,
  pretrainEncoder,
  sharedIds,
  VISIT_FIELDS,
  VisitEncoder,
  VocabularyCounter,
  visitShapeOf,
} from '../candidates/index.ts';
import {
  addTypes,
  cutoffGrid,
  eachUser,
  historyStart,
  type Progress,
  RowTable,
  type UserRows,
} from '../shared/index.ts';
import { cutVisits } from './visit-rows.ts';

/** Where the encoders of behaviour lie that a shop brings. */
const behaviourPrefix = (name: string): string => `models/behaviours/${name}/`;

/**
 * The encoder of visits that a shop has put into its bucket, under the name that its config gives: a folder as
 * `nightjar pretrain --behaviour` writes it.
 * @throws DataError when a file is missing or cannot be used
 */
export async function readBehaviour(store: ObjectStore, name: string): Promise<BroughtEncoder> {
  const prefix = behaviourPrefix(name);
  const file = async (path: string) => {
    const bytes = await getBytes(store, prefix + path);
    if (bytes) return bytes;
    throw new DataError(
      `there is no ${prefix}${path}, which model.behaviour "${name}" asks for: copy the encoder's folder there`,
    );
  };
  return decodeBehaviour(file, prefix);
}

/** Users at cut-offs that a pretraining holds at most; of more, a part is drawn. */
const MAX_ROWS = 40_000;
const BATCH = 128;

/** An encoder of visits that other shops can use, and what there is to tell of its making. */
export interface MadeBehaviour {
  readonly files: ModelFiles;
  readonly users: number;
  readonly visits: number;
  readonly curve: readonly CurvePoint[];
}

/**
 * Pretrains an encoder of visits on all users of a shop as they were known before a day, whatever its tasks are, at the
 * cut-offs that a training would have: hidden visits are to be filled in (`pretrainEncoder`). Items are told by their class of popularity alone.
 * @param options.day events from its midnight on take no part
 * @throws DataError where nobody has two visits before it, ConfigError where the config has no layers to read them
 */
export async function pretrainBehaviour(
  users: RunUsers,
  config: Config,
  options: {
    day: number;
    steps: number;
    seed: number;
    threads: number;
    progress: Progress;
    fits?: FitStore | undefined;
  },
): Promise<MadeBehaviour> {
  const { day, steps, seed, threads, progress, fits } = options;
  const { model, training, features, shop } = config;
  if (model.layers === 0) {
    throw new ConfigError('model.layers is 0, so no visits are read: an encoder of them has at least 1');
  }
  progress('reading users');
  const first = await historyStart(users, day);
  const read = first === undefined ? undefined : await visitRows(users, config, first, day);
  if (!read?.rows.visits.some((visits) => visits > 1)) {
    throw new DataError(
      `nobody has two visits before ${formatDay(day)}: there is nothing to learn how visits follow one another`,
    );
  }
  const shape: BehaviourShape = {
    reader: model.sequence ?? 'transformer',
    width: model.width,
    layers: model.layers,
    heads: model.heads,
  };
  const { ids, counts, length } = cutVisits(read.rows, features.tokens);
  const { parameters, curve } = await pretrainEncoder(
    sharedIds(ids),
    counts,
    length,
    ANY_SHOP,
    visitShapeOf(shape),
    {
      steps,
      batchSize: BATCH,
      learningRate: training.learningRate,
      threads,
      seed,
      onProgress: (step, of, loss) => progress(`step ${step} of ${of}, loss ${loss.toFixed(3)}`),
      fits,
    },
  );
  const { visits, events } = read;
  const source = { shop: shop.name, asOf: formatDay(day), users: read.users, visits, events };
  return {
    files: encodeBehaviour(shape, parameters, { ...source, steps, curve }),
    users: read.users,
    visits,
    curve,
  };
}

/** The visits of all users at the cut-offs before a day and at the day itself, by the vocabulary of that day. */
async function visitRows(
  users: RunUsers,
  config: Config,
  first: number,
  day: number,
): Promise<{ rows: UserRows; users: number; visits: number; events: EventType[] }> {
  const counter = new VocabularyCounter();
  const types = new Set<EventType>();
  for await (const { user, itemText } of eachUser(users, day)) {
    user.advance(day);
    counter.add(user.state.visits, itemText);
    addTypes(user.state, types);
  }
  const vocabulary = counter.finish();
  const length = config.features.tokens;
  const table = new RowTable(
    { width: 0, outputs: 0, tasks: 0, visitIds: length * VISIT_FIELDS, texts: 0 },
    MAX_ROWS,
  );
  const cutoffs = [...cutoffGrid(config, first, day), day];
  let [known, visits] = [0, 0];
  let encoder: VisitEncoder | undefined;
  let text: ((id: number) => string) | undefined;
  for await (const { user, itemText } of eachUser(users, day)) {
    if (itemText !== text || !encoder) encoder = new VisitEncoder(vocabulary, length, itemText);
    text = itemText;
    const unit = stableUnit('training', user.user);
    for (const cutoff of cutoffs) {
      user.advance(cutoff);
      if (user.state.visits.length < 2) continue;
      const row = table.add(unit, cutoff);
      if (row === undefined) continue;
      table.visits[row] = encoder.encode(
        user.state.visits,
        cutoff,
        table.visitIds,
        row * length * VISIT_FIELDS,
      );
    }
    if (user.state.visits.length === 0) continue;
    known++;
    visits += user.state.visits.length;
  }
  return {
    rows: table.finish([]),
    users: known,
    visits,
    events: EVENT_TYPES.filter((type) => types.has(type)),
  };
}
