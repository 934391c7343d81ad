import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clean, cleanedQuality, emptyStore, events, shopOf } from './shop.ts';

const seed = 20110910;
const HEAD = 'user,time,type,item,quantity,price\n';

const field = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'é', '語', '😀', ' ', ',', '"', '\n', '\r\n', '\\', "'"),
    maxLength: 8,
  }),
  fc.constantFrom('', 'nan', '2011-05-01', '1e400', 'view'),
);

function quoted(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

describe('rows are conserved', () => {
  it('whatever well-formed fields hold, each record is clean, a duplicate or quarantined', async () => {
    const row = fc.tuple(
      field,
      fc.constantFrom('2011-05-01', '2011-05-02 10:00', 'x', ''),
      fc.constantFrom('view', 'buy'),
      field,
      field,
      field,
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 30 }),
        fc.constantFrom('\n', '\r\n'),
        async (rows, lineEnd) => {
          // given
          const file = HEAD.trim() + lineEnd + rows.map((r) => r.map(quoted).join(',') + lineEnd).join('');
          // when
          const { quality, rows: out, quarantine } = await clean(file, shopOf(events));
          // then
          const told = cleanedQuality(quality);
          expect(told.rowsIn).toBe(rows.length);
          expect(told.clean + told.duplicates.dropped + told.quarantinedRows).toBe(rows.length);
          expect([out.length, quarantine.length]).toEqual([told.clean, told.quarantinedRows]);
          const good = rows.filter(
            ([user, time, type, , quantity, price]) =>
              known(user) !== '' &&
              time !== 'x' &&
              time !== '' &&
              type === 'view' &&
              [quantity, price].every(isNumber),
          );
          const distinct = new Set(good.map((r) => JSON.stringify(r)));
          expect(out.map(({ item }) => item ?? '').sort()).toEqual(
            [...distinct].map((r) => known(String(JSON.parse(r)[3]))).sort(),
          );
        },
      ),
      { seed, numRuns: 40 },
    );
  });

  it('whatever bytes a file holds, nothing is thrown and nothing is lost', async () => {
    const store = await emptyStore();
    const piece = fc.constantFrom('u', 'x', ',', ',', '"', '""', '\n', '\r\n', '\r', '2011-05-01', 'view');
    let day = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
        // given
        const config = shopOf({
          ...events,
          columns: { user: 'a', time: "TIMESTAMP '2011-05-01'", type: "'view'" },
        });
        // when
        const { quality, quarantine } = await clean(
          `a,b\n${pieces.join('')}`,
          config,
          `drop/shop/${day++}.csv`,
          store,
        );
        // then
        if (quality.status === 'refused') {
          expect(quality.refused.reason).toMatch(/unclosed quote|disagree|cannot be read/);
          return;
        }
        expect(quality.clean + quality.duplicates.dropped + quality.quarantinedRows).toBe(quality.rowsIn);
        const ordinals = quarantine.map(({ row }) => Number(row));
        expect(new Set(ordinals).size).toBe(ordinals.length);
        expect(ordinals.every((row) => row >= 0 && row < quality.rowsIn)).toBe(true);
      }),
      { seed, numRuns: 120 },
    );
  });
});

describe('equal content gives equal bytes', () => {
  const lines = Array.from(
    { length: 3000 },
    (_, i) =>
      `u${i % 701},2011-05-${String(1 + (i % 28)).padStart(2, '0')},view,item ${i},${i % 7},${i / 100}\n`,
  );

  it.each(['keep', 'drop'] as const)(
    'in whatever order the rows stand (duplicates: %s)',
    async (duplicates) => {
      // given
      const config = shopOf({ ...events, duplicates });
      const all = [...lines, ...lines.slice(0, 500)];
      const [shuffled] = fc.sample(fc.shuffledSubarray(all, { minLength: all.length }), { seed, numRuns: 1 });
      // when
      const [a, b] = [
        await clean(HEAD + all.join(''), config),
        await clean(HEAD + (shuffled ?? []).join(''), config),
      ];
      // then
      expect(cleanedQuality(a.quality)).toMatchObject({
        duplicates: { found: 500 },
        clean: duplicates === 'keep' ? 3500 : 3000,
      });
      expect(Buffer.from(b.arrow ?? []).equals(Buffer.from(a.arrow ?? []))).toBe(true);
    },
  );

  it('rows are sorted by hash, user and time, and cut into batches by the top bits of the hash', async () => {
    // given / when
    const { rows } = await clean(HEAD + lines.join(''), shopOf(events));
    // then
    const keys = rows.map(({ hash, user, time }) => [Number(hash), String(user), Number(time)] as const);
    const sorted = [...keys].sort(
      (a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : a[2] - b[2]),
    );
    expect(keys).toEqual(sorted);
    expect(new Set(rows.map(({ user }) => user)).size).toBe(701);
  });
});

/** What an id is once blanks and texts that stand for no value are taken off. */
function known(text: string): string {
  const trimmed = text.trim();
  return trimmed === 'nan' ? '' : trimmed;
}

function isNumber(text: string): boolean {
  return Number.isFinite(Number(known(text)));
}
