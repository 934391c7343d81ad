import { crc32 } from 'node:zlib';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { Refusal } from '../errors.ts';

/**
 * The one file in a zip archive. Folders and the notes that archivers of desktops add do not count as files.
 * @throws Refusal for an archive that is broken, encrypted, holds an Excel workbook, or holds none or several files
 */
export async function* unzip(path: string): AsyncGenerator<Uint8Array> {
  const archive = await readable(() =>
    yauzl.openPromise(path, { autoClose: false, strictFileNames: false, decodeStrings: true }),
  );
  try {
    const entry = onlyFile(await readable(() => entriesOf(archive)));
    if (entry.isEncrypted()) {
      throw new Refusal(`"${entry.fileName}" in the zip archive is encrypted`, 'drop it without a password');
    }
    if (!entry.canDecodeFileData()) {
      throw new Refusal(
        `"${entry.fileName}" in the zip archive is packed by a method that is not read (${entry.compressionMethod})`,
        'pack it with gzip instead',
      );
    }
    const stream = await readable(() => archive.openReadStreamPromise(entry));
    let sum = 0;
    const chunks = stream[Symbol.asyncIterator]();
    for (;;) {
      const next = await readable(() => chunks.next());
      if (next.done) break;
      const chunk: Buffer = next.value;
      sum = crc32(chunk, sum);
      yield chunk;
    }
    // The library checks sizes; whether the bytes are those that were packed is told by their sum alone.
    if (sum !== entry.crc32) throw broken(`the checksum of "${entry.fileName}" does not fit`);
  } finally {
    archive.close();
  }
}

async function entriesOf(archive: ZipFile): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of archive.eachEntry()) entries.push(entry);
  return entries;
}

function onlyFile(entries: readonly Entry[]): Entry {
  if (entries.some(({ fileName }) => /^(xl|word|ppt)\//.test(fileName))) {
    throw new Refusal(
      'the file is an Excel workbook (or another office document)',
      'save the table as csv (UTF-8)',
    );
  }
  const files = entries.filter(
    ({ fileName }) => !fileName.endsWith('/') && !/(^|\/)(__MACOSX\/|\.|Thumbs\.db$)/.test(fileName),
  );
  const [only, second] = files;
  if (!only || second) {
    const names = files.slice(0, 5).map(({ fileName }) => `"${fileName}"`);
    throw new Refusal(
      `the zip archive holds ${files.length} files${names.length > 0 ? `: ${names.join(', ')}` : ''}`,
      'a zip of exactly one file is read: unpack it and drop the files one by one',
    );
  }
  return only;
}

async function readable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    // The machine's own errors have a code; what is wrong with the archive is told in words alone.
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (cause instanceof Refusal || (code !== '' && !code.startsWith('Z_'))) throw cause;
    throw broken(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function broken(why: string, cause?: unknown): Refusal {
  return new Refusal(
    `the zip archive is broken (${why})`,
    'the upload was probably cut off: drop the whole file again; nothing of it was used',
    { cause },
  );
}
