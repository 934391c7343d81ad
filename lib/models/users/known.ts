import { type Config, usersText } from '../../config/index.ts';
import type { FitStore } from '../../engine/train/index.ts';
import { featureNames } from '../../features/index.ts';
import type { RunUsers } from '../../run/index.ts';
import {
  type Amount,
  encodeTexts,
  type Head,
  type TextMaterial,
  type VisitMaterial,
  vectorsGraph,
} from '../candidates/index.ts';
import type { CheckedGroup, TrainContext } from '../family.ts';
import {
  makeEncoder,
  type Progress,
  profileNames,
  readEncoder,
  type ShopEncoder,
  type UserRows,
} from '../shared/index.ts';
import { readBehaviour } from './behaviour.ts';
import { TEXT_KINDS, textPlaces, textsBefore } from './texts.ts';
import { buildUserRows, type Survey, survey } from './user-rows.ts';
import { cutVisits } from './visit-rows.ts';

/** Rows that training holds at most; of more, a part is drawn. */
const MAX_ROWS = 160_000;

/** All that may be known on a day: vocabulary, encodings, length of visits and text encoder included. */
export interface Known {
  readonly config: Config;
  readonly heads: readonly Head[];
  readonly rows: UserRows;
  readonly survey: Survey;
  /** Name and group of every feature of a row. */
  readonly names: readonly { readonly name: string; readonly group: string }[];
  /** Undefined where visits are not to be read. */
  readonly visits: Omit<VisitMaterial, 'known'> | undefined;
  /** Undefined where there are no texts. */
  readonly texts: TextMaterial | undefined;
  /** Per head, how much there is to learn from. */
  readonly data: readonly Amount[];
  readonly progress: Progress;
  readonly fits: FitStore | undefined;
}

/**
 * Reads the rows of some cut-offs as they may be known on a day.
 * @param args.first shop day on which the history begins
 * @param args.cutoffs ascending
 * @param args.rich with visits and texts
 */
export async function knownBy(
  context: TrainContext,
  heads: readonly Head[],
  args: {
    readonly first: number;
    readonly day: number;
    readonly cutoffs: readonly number[];
    readonly rich: boolean;
  },
): Promise<Known> {
  const { first, day, cutoffs, rich } = args;
  const { store, manifest, group, progress, fits } = context;
  const { config } = manifest;
  progress('reading users');
  const users = await context.users();
  const surveyed = await survey(store, manifest, users, day, first);
  const reads = rich && config.model.layers > 0;
  const longest = reads ? config.features.tokens : 0;
  const rows = await buildUserRows({
    store,
    manifest,
    users,
    tasks: group.tasks,
    heads,
    cutoffs,
    survey: surveyed,
    length: longest,
    texts: rich,
    limit: MAX_ROWS,
  });
  const encoder = rich ? await encoderOf(context, users, first, day) : undefined;
  const { behaviour } = config.model;
  const all = featureNames(config);
  return {
    config,
    heads,
    rows,
    survey: surveyed,
    names: [...surveyed.columns.map((j) => all[j]!), ...profileNames(surveyed.profile)],
    visits: reads
      ? {
          ...cutVisits(rows, longest),
          vocabulary: surveyed.vocabulary,
          ...(behaviour === undefined ? {} : { brought: await readBehaviour(store, behaviour) }),
        }
      : undefined,
    texts: encoder && (await textsOf(config, rows, encoder, progress)),
    data: amountsOf(group, heads),
    progress,
    fits,
  };
}

/** Per head, how much there is to learn from. */
export const amountsOf = ({ scarce }: Pick<CheckedGroup, 'scarce'>, heads: readonly Head[]): Amount[] =>
  heads.map(({ task }) => {
    const own = scarce?.find((one) => one.task === task);
    return own === undefined ? 'enough' : own.alone ? 'too few' : 'few';
  });

/** Undefined where none is to be read, or there are no texts yet to make one from. */
async function encoderOf(
  { store, manifest, progress, fits }: TrainContext,
  users: RunUsers,
  first: number,
  day: number,
): Promise<ShopEncoder | undefined> {
  const { text, model, training } = manifest.config;
  if (!text) return undefined;
  const { encoder, maxLength } = usersText(text);
  if (typeof encoder === 'string') return readEncoder(store, encoder);
  const texts = await textsBefore(store, manifest, users.shards, day, first);
  if (texts.length === 0) return undefined;
  const { threads } = training;
  return makeEncoder({ encoder, maxLength }, texts, { seed: model.seed, threads, progress, fits });
}

async function textsOf(
  config: Config,
  rows: UserRows,
  { encoder, files, curve }: ShopEncoder,
  progress: Progress,
): Promise<TextMaterial | undefined> {
  const { textOf: texts } = rows;
  progress(`encoding ${texts.length} texts`);
  if (texts.length === 0) return undefined;
  const { tokenizer } = encoder;
  const maxLength = Math.min(usersText(config.text!).maxLength, encoder.maxLength);
  const graph = vectorsGraph(encoder);
  const encoded = await encodeTexts({ graph, tokenizer, maxLength, texts }, config.training.threads);
  const places = textPlaces(config, config.text!);
  return { ...encoded, rows: rows.texts, places, kinds: TEXT_KINDS, files, pretraining: curve };
}
