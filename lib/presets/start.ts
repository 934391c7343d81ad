import { randomBytes } from 'node:crypto';
import { type Preview, previewDrop } from '../clean/index.ts';
import { type Config, type ConfigInput, parseConfig } from '../config/index.ts';
import { ConfigError, createPseudonyms, parseDay } from '../data/index.ts';
import { withScratch } from '../runtime/index.ts';
import { guessSource } from './any-file.ts';
import { fitOf } from './fit.ts';
import type { Guess } from './guess.ts';
import type { Preset, Shape, SourceInput } from './preset.ts';
import { sniffFile } from './sniff/index.ts';
import { type Draft, writeConfig } from './write-config.ts';

export interface StartInput {
  /** Undefined: any file, whose columns are guessed. */
  readonly preset: Preset | undefined;
  readonly files: readonly string[];
  readonly shopName: string;
  /** Of the shop; undefined: nobody said it. */
  readonly timeZone: string | undefined;
}

/** A config made for files, and what it makes of them. */
export interface Started {
  /** The text of nightjar.config.ts. */
  readonly text: string;
  readonly config: Config;
  readonly guesses: readonly Guess[];
  readonly files: readonly StartedFile[];
}

export interface StartedFile {
  readonly file: string;
  /** Name of its source in the config. */
  readonly source: string;
  /** Which export it was taken for. */
  readonly shape?: Shape;
  readonly preview: Preview;
}

interface Part {
  readonly file: string;
  readonly name: string;
  readonly source: SourceInput;
  readonly why: Readonly<Record<string, string | readonly string[]>>;
  readonly guesses: readonly Guess[];
  readonly currency?: string;
  readonly zoned: boolean;
  readonly shape?: Shape;
}

/**
 * Makes the config of a shop from its own files: by a preset, or by guesses that are all told.
 * @throws ConfigError where a file is none that the preset knows, or lacks what events need
 */
export async function startFrom(input: StartInput): Promise<Started> {
  const { files, preset } = input;
  const parts = await withScratch('check', async (folder) => {
    const found: Part[] = [];
    for (const [i, file] of files.entries()) found.push(await partOf(preset, file, `${folder}/${i}`));
    return found;
  });
  if (!parts.some(({ source }) => source.table === 'events')) {
    throw new ConfigError(
      `${files.join(', ')}: no events among them; give the orders as well, or what users did in the shop`,
    );
  }
  const first = draftOf(input, parts, undefined);
  const config = parseConfig(first.config);
  const previews = await previewsOf(config, parts);
  // How far a task may look ahead depends on how many days there are to learn from.
  const days = previews.flatMap((preview) =>
    preview.status === 'read' && preview.days ? [preview.days] : [],
  );
  const span = Math.max(0, ...days.map(({ first, last }) => parseDay(last) - parseDay(first) + 1));
  const draft = draftOf(input, parts, span);
  return {
    text: writeConfig(draft),
    config: parseConfig(draft.config),
    guesses: [...parts.flatMap(({ guesses }) => guesses), ...shopGuesses(input, parts, span)],
    files: parts.map(({ file, name, shape }, i) => ({
      file,
      source: name,
      ...(shape && { shape }),
      preview: previews[i]!,
    })),
  };
}

async function partOf(preset: Preset | undefined, file: string, scratch: string): Promise<Part> {
  const sniffed = await sniffFile(file, scratch);
  if (!preset) {
    const guessed = await guessSource(file, sniffed);
    return { file, ...guessed };
  }
  const { shape, source, currency } = await fitOf(preset, file, sniffed);
  const zoned = source.timeZone !== undefined || source.epoch !== undefined;
  return {
    file,
    name: shape.name,
    source,
    shape,
    why: shape.why,
    guesses: [],
    zoned,
    ...(currency && { currency }),
  };
}

/** @param span days between the first and the last event; undefined: not known yet */
function draftOf(
  { shopName, timeZone = 'UTC', preset }: StartInput,
  parts: readonly Part[],
  span: number | undefined,
): Draft {
  const comments = new Map<string, string[]>();
  const sources: Record<string, SourceInput> = {};
  for (const { name, source, why, shape } of parts) {
    if (sources[name]) continue;
    sources[name] = source;
    const path = `sources.${name}`;
    if (shape) comments.set(path, [`${preset?.title ?? ''}: ${shape.title}.`.trim()]);
    for (const [setting, lines] of Object.entries(why)) {
      // A setting that this file's source has not got needs no reason.
      if (has(source, setting))
        comments.set(`${path}.${setting}`, typeof lines === 'string' ? [lines] : [...lines]);
    }
  }
  const currency = parts.find((part) => part.currency !== undefined)?.currency;
  const events = parts.find(({ source }) => source.table === 'events')?.source;
  comments.set('', [
    'Every setting: docs/config.md. What this config makes of a file: npx nightjar-shop check FILE.',
  ]);
  comments.set('shop.timeZone', ['One zone defines the shop’s days, as-of times and label windows.']);
  const tasks = tasksFor(span, events?.table === 'events' && events.columns.item !== undefined);
  comments.set('tasks', [
    'What to predict of each user. More days ahead need more days of data to learn from.',
  ]);
  const config: ConfigInput = {
    shop: { name: shopName, timeZone, ...(currency !== undefined && { currency }) },
    sources,
    tasks,
  };
  return { config, comments };
}

function has(source: SourceInput, path: string): boolean {
  let value: unknown = source;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !(key in value)) return false;
    value = Reflect.get(value, key);
  }
  return value !== undefined;
}

/** Days ahead and days of activity, by the days that there are. */
const HORIZONS = [
  { from: 360, horizonDays: 30, activeDays: 180, absentDays: 90 },
  { from: 150, horizonDays: 30, activeDays: 60, absentDays: 30 },
  { from: 60, horizonDays: 14, activeDays: 30, absentDays: 14 },
  { from: 0, horizonDays: 7, activeDays: 14, absentDays: 7 },
] as const;

const horizonFor = (span = 360) => HORIZONS.find(({ from }) => span >= from) ?? HORIZONS[0];

function tasksFor(span: number | undefined, items: boolean): ConfigInput['tasks'] {
  const { horizonDays, activeDays, absentDays } = horizonFor(span);
  return {
    purchase: { kind: 'event', event: 'purchase', horizonDays },
    churn: { kind: 'absence', event: 'purchase', activeDays, horizonDays: absentDays },
    ...(items && {
      preference: { kind: 'next' as const, event: 'purchase' as const, of: 'item', horizonDays, k: 10 },
    }),
  };
}

function shopGuesses({ timeZone }: StartInput, parts: readonly Part[], span: number): Guess[] {
  const guesses: Guess[] = [];
  if (timeZone === undefined) {
    const zoned = parts.every((part) => part.zoned || part.source.table !== 'events');
    guesses.push({
      what: 'shop.timeZone',
      guess: 'UTC',
      why: zoned
        ? 'nothing says where the shop is: its days begin at midnight UTC. Say it: --time-zone Europe/London'
        : 'nothing says where the shop is, and its times name no zone: they are read as UTC. Say it: --time-zone Europe/London',
    });
  }
  const currency = parts.find((part) => part.currency !== undefined)?.currency;
  guesses.push(
    currency === undefined
      ? { what: 'shop.currency', guess: 'not set', why: 'no column names one: money has two digits' }
      : {
          what: 'shop.currency',
          guess: currency,
          why: 'the most frequent one; rows in another are quarantined',
        },
  );
  const { horizonDays, activeDays, absentDays } = horizonFor(span);
  guesses.push({
    what: 'tasks',
    guess: `${horizonDays} days ahead; ${absentDays} days without a purchase after ${activeDays} days with one`,
    why: `the file holds ${span} days`,
  });
  return guesses;
}

async function previewsOf(config: Config, parts: readonly Part[]): Promise<Preview[]> {
  // Nothing is stored: any key seals the users on their way through.
  const pseudonyms = createPseudonyms(randomBytes(64));
  const previews: Preview[] = [];
  for (const { file, name } of parts) {
    const named = { name, source: config.sources[name]! };
    previews.push(await previewDrop({ file, named, config, pseudonyms, show: SHOWN }));
  }
  return previews;
}

/** Rows of a file that are shown. */
const SHOWN = 5;
