import { type Look, lookInto } from '../../clean/index.ts';
import { parseConfig, type Source } from '../../config/index.ts';
import type { SourceInput } from '../preset.ts';
import type { SniffedFile } from './file.ts';

/** The settings of a file as it was sniffed, in a source's words; what is the default is left out. */
export function fileSettings({
  format,
  csv,
  head,
}: SniffedFile): Pick<SourceInput, 'format' | 'csv' | 'encoding'> {
  const { delimiter, quote, escape: before, skipLines, columns } = csv ?? {};
  const dialect = {
    ...(delimiter !== undefined && delimiter !== ',' && { delimiter }),
    ...(quote !== undefined && quote !== '"' && { quote }),
    ...(before !== undefined && { escape: before }),
    ...(skipLines !== undefined && skipLines > 0 && { skipLines }),
    ...(columns && { columns: [...columns] }),
  };
  return {
    format,
    ...(Object.keys(dialect).length > 0 && { csv: dialect }),
    ...(head.encoding !== undefined && { encoding: head.encoding }),
  };
}

/** Reads the head of a file with the settings of a source. @param source its mapping does not matter */
export function lookAtHead<T>(
  { head }: SniffedFile,
  source: SourceInput,
  work: (look: Look) => Promise<T>,
): Promise<T> {
  const { shop, sources } = parseConfig({ shop: { timeZone: 'UTC' }, sources: { file: source }, tasks: {} });
  // The head is UTF-8 by now.
  const read: Source = { ...sources.file!, encoding: undefined };
  return lookInto(head.path, read, shop, work);
}

/** A source that maps nothing, to look at a file's columns. */
export const unmapped = (sniffed: SniffedFile): SourceInput => ({
  ...fileSettings(sniffed),
  table: 'labels',
  columns: { label: 'none' },
});
