import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import type { Candidate } from '../../../lib/models/candidates/candidate.ts';
import { choose } from '../../../lib/models/candidates/choose.ts';
import type { Trial } from '../../../lib/models/candidates/trial.ts';

const named = (name: string, more: Partial<Candidate> = {}): Candidate => ({
  name,
  reads: ['features'],
  applies: () => true,
  fit: () => Promise.reject(new Error('is not fitted here')),
  ...more,
});

const ROWS = 2000;

/**
 * One task whose rows have true logits of deviation 1.5: each candidate says them with an error of its own.
 * @param errors deviation of each candidate's error
 */
function trialOf(seed: number, day: number | null, errors: ReadonlyMap<Candidate, number>, shift = 0): Trial {
  const rng = createRng(seed);
  const truth = Float32Array.from({ length: ROWS }, () => 1.5 * rng.normal());
  const outcomes = truth.map((z) => Number(rng.uniform() < 1 / (1 + Math.exp(-z - shift))));
  const logits = new Map(
    [...errors].map(([one, error]) => [one, truth.map((z) => z + error * rng.normal())] as const),
  );
  const rows = Int32Array.from({ length: ROWS }, (_, i) => i);
  return { day, rows, outcomes, users: rows, logits, costs: new Map(), cut: [] };
}

const a = named('a');
const b = named('b');

describe('choosing among candidates', () => {
  it('blends those whose errors differ, by weights near to equal', () => {
    const errors = new Map([
      [a, 1],
      [b, 1],
    ]);
    const { kept, members, tasks, losses } = choose(
      [a, b],
      [trialOf(1, 10, errors), trialOf(2, 40, errors)],
      [30],
    );
    expect(kept).toBe('blend');
    expect(members).toEqual([a, b]);
    for (const weight of tasks[0]!.weights) expect(weight).toBeGreaterThan(0.3);
    const loss = Object.fromEntries(losses.map((one) => [one.name, one.loss]));
    expect(loss.blend).toBeLessThan(Math.min(loss.a!, loss.b!));
  });

  it('keeps one alone where the other adds nothing', () => {
    const errors = new Map([
      [a, 0],
      [b, 6],
    ]);
    const trials = [10, 40, 70, 100].map((day, i) => trialOf(i, day, errors));
    const { kept, members, tasks } = choose([a, b], trials, [30]);
    expect(kept).toBe('a');
    expect(members).toEqual([a]);
    expect(tasks[0]!.weights).toHaveLength(1);
    expect(tasks[0]!.weights[0]).toBeGreaterThan(0.85);
  });

  it('weighs all alike where none of them tells anything', () => {
    // given: what each says is the opposite of what happens
    const one = trialOf(
      1,
      null,
      new Map([
        [a, 0],
        [b, 0.5],
      ]),
    );
    const turned = {
      ...one,
      logits: new Map([...one.logits].map(([c, said]) => [c, said.map((z) => -z)] as const)),
    };
    const { members, tasks } = choose([a, b], [turned], [0]);
    expect(members.length).toBeGreaterThan(0);
    expect(tasks[0]!.weights.reduce((sum, weight) => sum + weight, 0)).toBeGreaterThan(0);
  });

  it('never keeps a floor', () => {
    const floor = named('floor', { family: 'floor' });
    const errors = new Map([
      [floor, 0],
      [a, 3],
    ]);
    const { kept, losses } = choose([floor, a], [trialOf(1, 10, errors)], [30]);
    expect(kept).toBe('a');
    expect(losses.map(({ name }) => name)).toEqual(['floor', 'a']);
  });

  it('takes a dearer form where it is clearly better, and in the place of the plain one alone', () => {
    const form = named('a with more', { formOf: a });
    const better = new Map([
      [a, 2],
      [b, 1],
      [form, 0.9],
    ]);
    expect(choose([a, b, form], [trialOf(1, 10, better)], [30]).members).toEqual([form, b]);
    const same = new Map([
      [a, 0.5],
      [b, 0.5],
      [form, 0.5],
    ]);
    expect(choose([a, b, form], [trialOf(1, 10, same)], [30]).members).not.toContain(form);
  });

  it('names the dearer forms that were not taken, and those that had too little to learn from', () => {
    const form = named('a with more', { formOf: a });
    const one = trialOf(
      1,
      10,
      new Map([
        [a, 0.5],
        [b, 0.5],
        [form, 0.5],
      ]),
    );
    const nothing = new Float32Array(ROWS).fill(Number.NaN);
    const { forms, unanswered } = choose(
      [a, b, form],
      [{ ...one, logits: new Map([...one.logits, [b, nothing]]) }],
      [30],
    );
    expect(forms).toEqual([form]);
    expect(unanswered).toEqual([[b]]);
  });

  it('corrects a level that is off at every cut-off, and leaves one alone that was seen once', () => {
    const errors = new Map([[a, 0.2]]);
    const often = [10, 40, 70, 100].map((day, i) => trialOf(i, day, errors, -0.6));
    const { tasks, corrections } = choose([a], often, [30]);
    expect(tasks[0]!.intercept).toBeLessThan(-0.4);
    expect(corrections[0]!.loss.corrected).toBeLessThan(corrections[0]!.loss.plain);
    const once = choose([a], [trialOf(1, 10, errors, -0.6)], [30]);
    expect(once.tasks[0]).toMatchObject({ slope: 1, intercept: 0 });
    expect(once.corrections[0]!.none).toContain('too few');
  });

  it('answers a task that was never judged by all alike', () => {
    const errors = new Map([
      [a, 1],
      [b, 1],
    ]);
    const one = trialOf(1, 10, errors);
    const both = (values: Float32Array) =>
      Float32Array.from([...values].flatMap((value) => [value, Number.NaN]));
    const trial = {
      ...one,
      outcomes: both(one.outcomes),
      logits: new Map([...one.logits].map(([candidate, said]) => [candidate, both(said)] as const)),
    };
    const { tasks, losses } = choose([a, b], [trial], [30, 365]);
    expect(tasks[1]!.weights).toEqual([0.5, 0.5]);
    // and its loss counts nowhere
    expect(losses.every(({ loss }) => loss > 0.3)).toBe(true);
  });
});
