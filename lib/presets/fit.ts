import { ConfigError } from '../data/index.ts';
import type { Preset, Shape, SourceInput } from './preset.ts';
import { fileSettings, lookAtHead, type SniffedFile, unmapped } from './sniff/index.ts';

/** A preset's shape on a file that has it. */
export interface Fit {
  readonly shape: Shape;
  /** The shape's source with the file's own delimiter, quotes and encoding. */
  readonly source: SourceInput;
  /** The most frequent code of a currency in the file. */
  readonly currency?: string;
}

/**
 * Finds the shape of a preset that a file has.
 * @throws ConfigError which says what of the nearest shape the file lacks
 */
export async function fitOf(preset: Preset, file: string, sniffed: SniffedFile): Promise<Fit> {
  const named = await columnsOf(sniffed);
  const tried = preset.shapes.map((shape) => {
    const source = sourceOf(shape, sniffed, named);
    const columns = source?.csv?.columns ?? named;
    return { shape, source, lacks: source ? lacking(shape.needs, columns) : shape.needs };
  });
  const right = tried.find(({ source, lacks }) => source && lacks.length === 0);
  if (right?.source)
    return withCurrency(right.shape, right.source, sniffed, right.source.csv?.columns ?? named);
  throw noFit(preset, file, sniffed, named, tried);
}

async function columnsOf(sniffed: SniffedFile): Promise<readonly string[]> {
  return lookAtHead(sniffed, unmapped(sniffed), async ({ columns }) => columns.map(({ name }) => name));
}

/** Undefined where the file is of another format. */
function sourceOf(shape: Shape, sniffed: SniffedFile, named: readonly string[]): SourceInput | undefined {
  const { source } = shape;
  if (source.format !== sniffed.format) return undefined;
  const own = fileSettings(sniffed);
  const headerless = source.csv?.columns;
  // What comes without a header line is known by the number of its fields; with one, by its names.
  if (headerless && lacking(shape.needs, named).length > 0) {
    const [first = ''] = sniffed.head.text.split(/\r?\n/, 1);
    const fields = first.split(source.csv?.delimiter ?? ',').length;
    if (fields !== headerless.length) return undefined;
    return { ...source, ...(own.encoding && { encoding: own.encoding }) };
  }
  const { format, csv: _, ...rest } = source;
  return { ...own, format, ...rest } as SourceInput;
}

const loose = (name: string) => name.trim().normalize('NFC').toLowerCase();

function lacking(needs: readonly string[], columns: readonly string[]): string[] {
  const there = new Set(columns.map(loose));
  return needs.filter((name) => !there.has(loose(name)));
}

/** The column of currencies joins the mapping where the file has one: then others than the shop's are told apart. */
async function withCurrency(
  shape: Shape,
  source: SourceInput,
  sniffed: SniffedFile,
  columns: readonly string[],
): Promise<Fit> {
  const { currency } = shape;
  if (!currency || lacking([currency.column], columns).length > 0 || source.table !== 'events')
    return { shape, source };
  const codes = await lookAtHead(sniffed, source, ({ values }) => values(currency.expression, 50));
  const code = codes
    .find(({ value }) => value !== null && /^[a-z]{3}$/i.test(value.trim()))
    ?.value?.trim()
    .toUpperCase();
  if (code === undefined || !Intl.supportedValuesOf('currency').includes(code)) return { shape, source };
  const mapped = { ...source, columns: { ...source.columns, currency: currency.expression } };
  return { shape, source: mapped, currency: code };
}

function noFit(
  preset: Preset,
  file: string,
  { format }: SniffedFile,
  columns: readonly string[],
  tried: readonly { shape: Shape; lacks: readonly string[] }[],
): ConfigError {
  const has = columns
    .slice(0, 20)
    .map((name) => `"${name}"`)
    .join(', ');
  const nearly =
    preset.nearly && lacking(preset.nearly.columns, columns).length === 0 ? preset.nearly : undefined;
  const wanted = tried.map(({ shape, lacks }) => {
    const other = shape.source.format === format ? '' : ` (${shape.source.format}; the file is ${format})`;
    return `\n  ${shape.title}${other}: it lacks ${lacks.map((name) => `"${name}"`).join(', ')}`;
  });
  const cure = nearly ? nearly.cure : `export it as one of these, or let the columns be guessed: --from csv`;
  return new ConfigError(
    `${file} is no export that --from ${preset.name} reads:${wanted.join('')}\nits columns are ${has || 'none'}${columns.length > 20 ? `, and ${columns.length - 20} more` : ''}; ${cure}`,
  );
}
