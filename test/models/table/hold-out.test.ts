import { describe, expect, it } from 'vitest';
import { holdOut } from '../../../lib/models/table/hold-out.ts';

const ROWS = 10_000;
const rowIds = Int32Array.from({ length: ROWS }, (_, i) => i);
const places = (test: (row: number) => boolean) => rowIds.filter(test);

const shareAmong = (held: Int32Array, test: (row: number) => boolean) =>
  held.filter(test).length / held.length;

describe('training rows that are held out', () => {
  it('are about 15 %, anywhere, where the test rows are anywhere', () => {
    const isTest = (row: number) => row % 5 === 0;
    const train = places((row) => !isTest(row));
    const held = holdOut({ rowIds, train, test: places(isTest) });
    expect(held.length / train.length).toBeCloseTo(0.15, 1);
    for (const end of [0.25, 0.5, 0.75])
      expect(shareAmong(held, (row) => row < end * ROWS)).toBeCloseTo(end, 1);
  });

  it('are the last of those before the test rows, where these are the end of the file', () => {
    const isTest = (row: number) => row >= 8000;
    const held = holdOut({ rowIds, train: places((row) => !isTest(row)), test: places(isTest) });
    expect(held.length).toBeCloseTo(0.15 * 8000, -2);
    expect(Math.min(...held)).toBeGreaterThan(6400);
    expect(shareAmong(held, (row) => row >= 7000)).toBeGreaterThan(0.8);
  });

  it('lie among test rows that are some months of a part of the file', () => {
    const isTest = (row: number) => row >= 5000 && row % 3 > 0;
    const held = holdOut({ rowIds, train: places((row) => !isTest(row)), test: places(isTest) });
    expect(shareAmong(held, (row) => row >= 5000)).toBe(1);
  });

  it('are those behind the test rows where none lies before', () => {
    const held = holdOut({ rowIds, train: places((row) => row >= 500), test: places((row) => row < 500) });
    expect(held.length).toBeGreaterThan(1300);
    expect(Math.max(...held)).toBeLessThan(2500);
  });

  it('are anywhere in a file that is sorted by its classes, of which those beside the test rows would take whole ones', () => {
    // given: ten classes one behind the other, the first of them for testing
    const classOf = (row: number) => Math.floor((10 * row) / ROWS);
    const test = places((row) => classOf(row) === 0);
    const train = places((row) => classOf(row) > 0);
    // when
    const held = holdOut({ rowIds, train, test, classOf });
    // then
    expect(shareAmong(held, (row) => classOf(row) === 1)).toBeLessThan(0.2);
    expect(shareAmong(held, (row) => classOf(row) === 9)).toBeGreaterThan(0.05);
  });

  it('are anywhere where there are no test rows', () => {
    const held = holdOut({ rowIds, train: rowIds, test: new Int32Array(0) });
    expect(held.length / ROWS).toBeCloseTo(0.15, 1);
    expect(shareAmong(held, (row) => row < ROWS / 2)).toBeCloseTo(0.5, 1);
  });
});
