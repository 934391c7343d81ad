import { strFromU8, unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { checkSize, type ZipFile, zip } from '../../bin/build/index.ts';

const file = (text: string): ZipFile => ({ bytes: Buffer.from(text) });

describe('a package', () => {
  it('has the same bytes in whatever order and time zone it was packed', () => {
    // given
    const files: [string, ZipFile][] = [
      ['index.mjs', file('export const a = 1;')],
      ['node_modules/b/run', { ...file('#!/bin/sh'), executable: true }],
      ['config.json', file('{}')],
    ];
    const zone = process.env.TZ;
    // when
    const one = zip(new Map(files));
    process.env.TZ = 'Pacific/Kiritimati';
    const two = zip(new Map([...files].reverse()));
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
    // then
    expect(two).toEqual(one);
    const unpacked = unzipSync(one);
    expect(Object.keys(unpacked)).toEqual(['config.json', 'index.mjs', 'node_modules/b/run']);
    expect(strFromU8(unpacked['index.mjs']!)).toBe('export const a = 1;');
    expect(modesOf(one)).toEqual([0o100644, 0o100644, 0o100755]);
  });

  it('that Lambda would not take is no package; the largest files are named', () => {
    // given
    const files = new Map([
      ['small', file('1')],
      ['large.so', { bytes: new Uint8Array(100) }],
    ]);
    // when, then
    expect(checkSize('clean', files, 101)).toBe(101);
    expect(() => checkSize('clean', files, 100)).toThrow(
      /clean function is 101 bytes unpacked, Lambda takes 100.*large\.so \(100\)/,
    );
  });
});

/** Unix modes in the central directory (PKWARE's APPNOTE, 4.3.12). */
function modesOf(bytes: Uint8Array): number[] {
  const view = Buffer.from(bytes);
  const modes: number[] = [];
  for (let at = view.indexOf('PK\u0001\u0002'); at >= 0; at = view.indexOf('PK\u0001\u0002', at + 4)) {
    modes.push(view.readUInt16LE(at + 40));
  }
  return modes;
}
