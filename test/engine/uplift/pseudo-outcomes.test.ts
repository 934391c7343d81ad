import { describe, expect, it } from 'vitest';
import {
  classTransformation,
  doublyRobust,
  transformedOutcomes,
  UpliftError,
} from '../../../lib/engine/uplift/index.ts';

const rows = { treated: [1, 0, 1, 0], outcomes: [1, 1, 0, 0], propensity: [0.2, 0.2, 0.5, 0.5] };

describe('pseudo-outcomes', () => {
  it('add what models were off by, by the chance of the own arm', () => {
    // by hand: 0.4 - 0.1 + (1 - 0.4) / 0.2; 0.3 - (1 - 0.1) / 0.8; 0.3 - 0.4 / 0.5; 0.3 + 0.1 / 0.5
    const predicted = { control: [0.1, 0.1, 0.1, 0.1], treated: [0.4, 0.4, 0.4, 0.4] };
    const expected = [0.3 + 0.6 / 0.2, 0.3 - 0.9 / 0.8, 0.3 - 0.4 / 0.5, 0.3 + 0.1 / 0.5];
    doublyRobust(rows, predicted).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 12);
    });
  });

  it('weigh outcomes by the chance of the own arm', () => {
    const expected = [1 / 0.2, -1 / 0.8, 0, 0];
    transformedOutcomes(rows).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 12);
    });
  });

  it('turn effects into one class, whose rows weigh as much in either arm', () => {
    const { classes, weights } = classTransformation(rows);
    expect([...classes]).toEqual([1, 0, 0, 1]);
    [0.5 / 0.2, 0.5 / 0.8, 1, 1].forEach((weight, i) => {
      expect(weights[i]).toBeCloseTo(weight, 6);
    });
  });

  it('say what is wrong', () => {
    expect(() => transformedOutcomes({ ...rows, propensity: [1, 0.2, 0.5, 0.5] })).toThrow(UpliftError);
    expect(() => classTransformation({ ...rows, outcomes: [2, 0, 0, 0] })).toThrow('0 or 1 is expected');
    expect(() => doublyRobust(rows, { control: [0], treated: [1, 1, 1, 1] })).toThrow(
      'one for each is expected',
    );
  });
});
