import { Refusal } from '../errors.ts';

/** How many bytes of a file must be at hand to tell what it is: a tar archive says so at byte 257. */
export const SIGNATURE_BYTES = 262;

interface Signature {
  readonly what: string;
  readonly at?: number;
  readonly bytes: readonly number[];
  /** Letters that a header line may begin with as well: here no printable character follows them. */
  readonly thenBinary?: true;
  readonly hint: string;
}

const ascii = (text: string) => [...Buffer.from(text, 'latin1')];
const unpack = (command: string) =>
  `unpack it first (${command}) and drop the plain file, or pack it with gzip`;
const SAVE_AS_CSV = 'save the table as csv (UTF-8) and drop that';

/** Containers that are never read as rows, by the bytes they begin with. */
const FOREIGN: readonly Signature[] = [
  { what: 'a bzip2 file', at: 4, bytes: [0x31, 0x41, 0x59, 0x26, 0x53, 0x59], hint: unpack('bunzip2') },
  { what: 'an xz file', bytes: [0xfd, ...ascii('7zXZ'), 0], hint: unpack('unxz') },
  { what: 'an lz4 file', bytes: [0x04, 0x22, 0x4d, 0x18], hint: unpack('lz4 -d') },
  { what: 'a snappy file', bytes: [0xff, 0x06, 0, 0, ...ascii('sNaPpY')], hint: unpack('snzip -d') },
  { what: 'a compress (.Z) file', bytes: [0x1f, 0x9d], hint: unpack('uncompress') },
  { what: 'a 7z archive', bytes: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], hint: unpack('7z x') },
  { what: 'a rar archive', bytes: [...ascii('Rar!'), 0x1a], hint: unpack('unrar x') },
  { what: 'a tar archive', at: 257, bytes: ascii('ustar'), hint: unpack('tar -x') },
  {
    what: 'a parquet file',
    bytes: ascii('PAR1'),
    thenBinary: true,
    hint: "set format: 'parquet' for this source",
  },
  { what: 'an Arrow file', bytes: [...ascii('ARROW1'), 0], hint: 'write it as parquet, csv or jsonl' },
  { what: 'an Avro file', bytes: [...ascii('Obj'), 1], hint: 'write it as parquet, csv or jsonl' },
  { what: 'an ORC file', bytes: ascii('ORC'), thenBinary: true, hint: 'write it as parquet, csv or jsonl' },
  { what: 'an SQLite database', bytes: ascii('SQLite format 3\0'), hint: 'export the table as csv' },
  { what: 'an old Excel workbook', bytes: [0xd0, 0xcf, 0x11, 0xe0], hint: SAVE_AS_CSV },
  { what: 'a PDF file', bytes: ascii('%PDF'), hint: SAVE_AS_CSV },
];

/** Packed forms that are unpacked on the way in. */
export type Packing = 'gzip' | 'zstd' | 'zip';

const PACKED: readonly (readonly [Packing, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['zip', ascii('PK\x03\x04')],
  // An archive without a member.
  ['zip', ascii('PK\x05\x06')],
];

/** How a file is packed, by its first bytes; the name of a file proves nothing. */
export function packingOf(head: Uint8Array): Packing | undefined {
  const found = PACKED.find(([, bytes]) => begins(head, bytes));
  if (found) return found[0];
  // zstd's frames may follow one that a decoder skips (RFC 8878, section 3.1.2).
  const skippable = head[0] !== undefined && (head[0] & 0xf0) === 0x50;
  return skippable && begins(head.subarray(1), [0x2a, 0x4d, 0x18]) ? 'zstd' : undefined;
}

/** What a file is, where its first bytes name another format than text: 'a tar archive'. */
export function foreignOf(head: Uint8Array): { readonly what: string; readonly hint: string } | undefined {
  const known = FOREIGN.find(({ at = 0, bytes, thenBinary }) => {
    const next = head[at + bytes.length] ?? 0;
    return begins(head.subarray(at), bytes) && !(thenBinary && next >= 0x20 && next < 0x7f);
  });
  if (known) return known;
  const text = Buffer.from(head).toString('latin1').trimStart().toLowerCase();
  if (/^(<!doctype html|<html)/.test(text)) {
    return { what: 'an HTML page', hint: 'the download was probably an error or login page: fetch it again' };
  }
  if (text.startsWith('<?xml')) {
    return { what: 'an XML document', hint: 'it may be an error message of a store: fetch the file again' };
  }
  return undefined;
}

/**
 * @param within what the bytes were packed in, for the message
 * @throws Refusal that names what the bytes are, where they are no text
 */
export function refuseForeign(head: Uint8Array, within?: Packing): void {
  const around = within ? ` in a ${within} file` : '';
  const packing = within && packingOf(head);
  if (packing) {
    throw new Refusal(
      `the file is a ${packing} file${around}: it was packed twice`,
      'drop it packed once; nothing of it was used',
    );
  }
  const foreign = foreignOf(head);
  if (foreign) throw new Refusal(`the file is ${foreign.what}${around}`, foreign.hint);
}

function begins(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}
