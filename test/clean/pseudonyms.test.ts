import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aessiv } from '@noble/ciphers/aes.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, createPseudonyms, DataError, loadOrCreateKey } from '../../lib/data/index.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

describe('pseudonyms', () => {
  it('the cipher is AES-SIV (RFC 5297, example A.1)', () => {
    // given
    const key = hex('fffefdfc fbfaf9f8 f7f6f5f4 f3f2f1f0 f0f1f2f3 f4f5f6f7 f8f9fafb fcfdfeff');
    const ad = hex('10111213 14151617 18191a1b 1c1d1e1f 20212223 24252627');
    // when
    const sealed = aessiv(key, ad).encrypt(hex('11223344 55667788 99aabbcc ddee'));
    // then
    expect(Buffer.from(sealed).toString('hex')).toBe(
      '85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c',
    );
  });

  it.each(['17850', '', 'ünïcode 語 😀', 'x'.repeat(500)])('go there and back: %j', (user) => {
    // given
    const pseudonyms = createPseudonyms(new Uint8Array(64).fill(1));
    // when
    const pseudonym = pseudonyms.seal(user);
    // then
    expect(pseudonym).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(pseudonyms.open(pseudonym)).toBe(user);
    expect(createPseudonyms(new Uint8Array(64).fill(1)).seal(user)).toBe(pseudonym);
    expect(createPseudonyms(new Uint8Array(64).fill(2)).seal(user)).not.toBe(pseudonym);
  });

  it('do not open when altered, cut off or sealed under another key', () => {
    // given
    const pseudonyms = createPseudonyms(new Uint8Array(64).fill(1));
    const good = pseudonyms.seal('17850');
    const altered = (good.startsWith('A') ? 'B' : 'A') + good.slice(1);
    const foreign = createPseudonyms(new Uint8Array(64).fill(2)).seal('17850');
    // when / then
    for (const bad of [altered, good.slice(0, 8), '', `${good}=`, foreign, 'no pseudonym']) {
      expect(() => pseudonyms.open(bad)).toThrow(DataError);
    }
  });

  it('the key is made once, for its owner alone', async () => {
    // given
    const path = join(folder, 'keys', 'pseudonyms.key');
    // when
    const [first, second] = await Promise.all([loadOrCreateKey(path), loadOrCreateKey(path)]);
    const third = await loadOrCreateKey(path);
    // then
    expect(first).toHaveLength(64);
    expect(Buffer.from(second).equals(first)).toBe(true);
    expect(Buffer.from(third).equals(first)).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('a key of another length is told', async () => {
    // given
    const path = join(folder, 'short.key');
    await writeFile(path, 'short');
    // when / then
    await expect(loadOrCreateKey(path)).rejects.toThrow(ConfigError);
    expect(() => createPseudonyms(new Uint8Array(32))).toThrow('32 bytes, expected 64');
  });
});
