import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../lib/config/index.ts';
import { refusalOf, rowsIn } from './shop.ts';

type Source = Extract<ConfigInput['sources'][string], { table: 'events' }>;

const source: Source = {
  table: 'events',
  format: 'csv',
  columns: { user: 'customer', time: 'placed', type: "'view'", item: 'sku' },
};
const jsonl: Source = { ...source, format: 'jsonl' };
const TEXT = 'customer,placed,sku\nann,2024-05-01,café 語\nbob,2024-05-02,B\n';
const JSON_TEXT =
  '{"customer":"ann","placed":"2024-05-01","sku":"café 語"}\n{"customer":"bob","placed":"2024-05-02","sku":"B"}\n';
const bytes = Buffer.from(TEXT);
/** TEXT by the zstd command, with its checksum. */
const ZSTD = Buffer.from(
  '28b52ffd0458f10100637573746f6d65722c706c616365642c736b750a616e6e2c323032342d30352d30312c636166c3a920e8aa9e0a626f622c323032342d30352d30322c420ae0266e99',
  'hex',
);

const users = async (file: Uint8Array | string, by: Source = source) =>
  (await rowsIn(file, by)).rows.map(({ user, item }) => [user, item]);
const BOTH = [
  ['ann', 'café 語'],
  ['bob', 'B'],
];

describe('packed files', () => {
  it.each([
    ['gzip', gzipSync(bytes)],
    ['a zip of one file', zipSync({ 'orders.csv': bytes })],
    ['a zip of one file, stored', zipSync({ 'orders.csv': [bytes, { level: 0 }] })],
    [
      'a zip of one file in folders, as desktops make them',
      zipSync({
        'out/': new Uint8Array(),
        'out/orders.csv': bytes,
        '__MACOSX/out/._orders.csv': bytes,
        'out/.DS_Store': bytes,
      }),
    ],
    ['a zip under another name', zipSync({ x: bytes })],
  ])('%s is read', async (_, file) => {
    expect(await users(file)).toEqual(BOTH);
  });

  it.each([
    ['a zip of two files', zipSync({ 'a.csv': bytes, 'b.csv': bytes }), /holds 2 files: "a.csv", "b.csv"/],
    ['a zip of none', zipSync({}), /holds 0 files/],
    [
      'an Excel workbook',
      zipSync({ '[Content_Types].xml': bytes, 'xl/workbook.xml': bytes }),
      /Excel workbook.*csv/,
    ],
    [
      'a zip that is cut off',
      zipSync({ 'a.csv': Buffer.alloc(9000, 'x') }).subarray(0, -30),
      /zip archive is broken/,
    ],
    ['gzip in gzip', gzipSync(gzipSync(bytes)), /packed twice/],
    ['gzip in zip', zipSync({ 'a.csv.gz': gzipSync(bytes) }), /gzip file in a zip file: it was packed twice/],
    ['a tar archive', tar(bytes), /a tar archive: unpack it first \(tar -x\)/],
    ['a tar archive in gzip', gzipSync(tar(bytes)), /a tar archive in a gzip file/],
    ['bzip2', Buffer.from('BZh91AY&SY......'), /a bzip2 file: unpack it first \(bunzip2\)/],
    ['xz', Buffer.from('fd377a585a000004', 'hex'), /an xz file: unpack it first \(unxz\)/],
    ['lz4', Buffer.from('04224d186440a7', 'hex'), /an lz4 file/],
    ['snappy', Buffer.from('ff060000734e61507059', 'hex'), /a snappy file/],
    ['7z', Buffer.from('377abcaf271c0004', 'hex'), /a 7z archive/],
    ['rar', Buffer.from('Rar!\x1a\x07\x01\0', 'latin1'), /a rar archive/],
    ['parquet', Buffer.from('PAR1\x15\x04\x15', 'latin1'), /a parquet file: set format: 'parquet'/],
    ['Arrow', Buffer.from('ARROW1\0\0'), /an Arrow file/],
    ['Avro', Buffer.from('Obj\x01\x04'), /an Avro file/],
    ['SQLite', Buffer.from('SQLite format 3\0'), /an SQLite database/],
    ['PDF', Buffer.from('%PDF-1.7'), /a PDF file/],
    [
      'a login page',
      Buffer.from('\n<!DOCTYPE html><html>'),
      /an HTML page: the download was probably an error/,
    ],
    ['an error of a store', Buffer.from('<?xml version="1.0"?><Error>'), /an XML document/],
  ])('%s is named for what it is, with the way out', async (_, file, message) => {
    expect(await refusalOf(file, source)).toMatch(message);
  });

  it.each(['BZh', 'PAR1', 'ORC', 'Obj', 'Rar!'])('a header that begins with %s is text', async (name) => {
    const file = `${name},customer,placed,sku\n1,ann,2024-05-01,A\n`;
    expect(await users(file)).toEqual([['ann', 'A']]);
  });
});

describe('zstd', () => {
  const skipped = Buffer.from('502a4d1804000000abcdefab', 'hex');

  it('frames one after the other, and frames to be skipped', async () => {
    expect(await users(ZSTD)).toEqual(BOTH);
    expect(await users(Buffer.concat([skipped, ZSTD, skipped]))).toEqual(BOTH);
    expect((await rowsIn(Buffer.concat([ZSTD, ZSTD]), { ...source, duplicates: 'keep' })).rowsIn).toBe(5);
  });

  it.each([
    ['cut off', ZSTD.subarray(0, -6), /ends within a frame/],
    ['cut off in its header', ZSTD.subarray(0, 5), /ends within a frame/],
    [
      'with foreign bytes behind it',
      Buffer.concat([ZSTD, Buffer.from('xxxx')]),
      /foreign bytes follow its end/,
    ],
    ['with a byte changed', Buffer.from(ZSTD).fill(0x62, 30, 31), /checksum does not fit/],
  ])('%s is refused', async (_, file, message) => {
    expect(await refusalOf(file, source)).toMatch(message);
  });
});

describe('encodings', () => {
  const latin = (text: string) => Buffer.from(text, 'latin1');
  const utf16 = (text: string) => Buffer.from(text, 'utf16le');
  const swapped = (text: string) => Buffer.from(text, 'utf16le').swap16();

  it.each([
    ['UTF-8 with a mark', Buffer.from(`\ufeff${TEXT}`), {}],
    ['UTF-8 with two marks', Buffer.from(`\ufeff\ufeff${TEXT}`), {}],
    ['UTF-16 little-endian with a mark', utf16(`\ufeff${TEXT}`), {}],
    ['UTF-16 big-endian with a mark', swapped(`\ufeff${TEXT}`), {}],
    ['UTF-16 without a mark, stated', utf16(TEXT), { encoding: 'utf-16le' }],
    ['UTF-16 big-endian without a mark, stated', swapped(TEXT), { encoding: 'utf-16be' }],
    ['a mark wins over what is stated', Buffer.from(`\ufeff${TEXT}`), { encoding: 'windows-1252' }],
    ['packed as well', gzipSync(utf16(`\ufeff${TEXT}`)), {}],
  ])('%s', async (_, file, setting) => {
    expect(await users(file, { ...source, ...setting })).toEqual(BOTH);
  });

  it('Latin-1, where it is stated', async () => {
    const file = latin('customer,placed,sku\nann,2024-05-01,café\n');
    expect(await users(file, { ...source, encoding: 'latin1' })).toEqual([['ann', 'café']]);
    expect(await refusalOf(file, source)).toMatch(
      /not UTF-8 \(a wrong byte after byte 39\): set encoding for this source/,
    );
  });

  it('Shift_JIS, where it is stated', async () => {
    const file = Buffer.concat([latin('customer,placed,sku\nann,2024-05-01,'), Buffer.from('8ceb0a', 'hex')]);
    expect(await users(file, { ...source, encoding: 'shift_jis' })).toEqual([['ann', '誤']]);
  });

  it('lines of JSON in UTF-16', async () => {
    expect(await users(utf16(`\ufeff${JSON_TEXT}`), jsonl)).toEqual(BOTH);
    expect(await users(utf16(JSON_TEXT), { ...jsonl, encoding: 'utf-16le' })).toEqual(BOTH);
  });

  it.each([
    [
      'UTF-16 without a mark, unstated',
      utf16(TEXT),
      {},
      /looks like UTF-16 without a byte order mark.*encoding: 'utf-16le'/,
    ],
    ['UTF-16 big-endian without a mark, unstated', swapped(TEXT), {}, /encoding: 'utf-16be'/],
    ['half of a UTF-16 character', utf16(`\ufeff${TEXT}`).subarray(0, -1), {}, /no UTF-16LE: it is cut off/],
    [
      'half of a surrogate pair',
      Buffer.concat([utf16('\ufeffcustomer,placed,sku\nann,2024-05-01,'), Buffer.from('00d80a00', 'hex')]),
      {},
      /no UTF-16LE/,
    ],
    [
      'a wrong byte of what is stated',
      Buffer.from([0x61, 0x2c, 0xff, 0xff, 0x0a]),
      { encoding: 'shift_jis' },
      /no SHIFT_JIS/,
    ],
  ])('%s is refused', async (_, file, setting, message) => {
    expect(await refusalOf(file, { ...source, ...setting })).toMatch(message);
  });

  it('an encoding that there is not is an error of the config', async () => {
    await expect(users(TEXT, { ...source, encoding: 'utf-9' })).rejects.toThrow(
      /encoding: given "utf-9", expected an encoding such as/,
    );
  });
});

/** A tar archive of one file (POSIX ustar), as far as a reader looks to know it. */
function tar(content: Uint8Array): Buffer {
  const header = Buffer.alloc(512);
  header.write('orders.csv', 0);
  header.write('ustar\x0000', 257);
  return Buffer.concat([header, content, Buffer.alloc(1024)]);
}
