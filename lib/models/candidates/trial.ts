import type { Candidate, Judged, Material } from './candidate.ts';
import { meanLossOf } from './held-out.ts';
import { jointMeanLoss } from './joint-losses.ts';

/** Rows that candidates are judged on: no fit of the trial has seen them, or anything later. */
export interface HeldOut {
  /** Row numbers of the material. */
  readonly rows: Int32Array;
  /** (rows, tasks): 1 or 0, NaN where a row does not count for a task. */
  readonly outcomes: Float32Array;
}

/** By the clock of the machine at hand. */
export interface Costs {
  /** What the seconds are of. */
  readonly fits: number;
  readonly fitSeconds: number;
  readonly rowsPerSecond: number;
  /** Size of its graph. */
  readonly bytes: number;
}

/** Candidates fitted on what was known by some day, and what they say of rows that lie behind it. */
export interface Trial extends HeldOut {
  /** The cut-off that was held out, a shop day; null where users or rows were. */
  readonly day: number | null;
  /** A number per row of whose it is: rows of one user are not independent. */
  readonly users: ArrayLike<number>;
  /** (rows, tasks) of every candidate, NaN for a task that it cannot answer. */
  readonly logits: ReadonlyMap<Candidate, Float32Array>;
  /** What each candidate cost. */
  readonly costs: ReadonlyMap<Candidate, Costs>;
  /** Those that apply and were not begun, as the time was over. */
  readonly cut: readonly Candidate[];
}

/** By name: the seconds of all its fits, and what the latest trial says of speed and size. */
export function costsOf(trials: readonly Trial[]): Record<string, Costs> {
  const all: Record<string, Costs> = {};
  for (const { costs } of trials) {
    for (const [{ name }, cost] of costs) {
      const before = all[name] ?? { fits: 0, fitSeconds: 0 };
      all[name] = {
        ...cost,
        fits: before.fits + cost.fits,
        fitSeconds: before.fitSeconds + cost.fitSeconds,
      };
    }
  }
  return all;
}

/**
 * Fits the candidates that apply, one after the other, and keeps what they say of the rows held out.
 * @param forms also the dearer forms of candidates
 * @param goOn asked before each fit but the first
 */
export async function runTrial(args: {
  candidates: readonly Candidate[];
  material: Material;
  heldOut: HeldOut;
  users: ArrayLike<number>;
  day: number | null;
  forms: boolean;
  goOn?: () => boolean;
}): Promise<Trial> {
  const { candidates, material, heldOut, users, day, forms, goOn = () => true } = args;
  const { progress } = material;
  const judged: Judged[] = [];
  const logits = new Map<Candidate, Float32Array>();
  const costs = new Map<Candidate, Costs>();
  const cut: Candidate[] = [];
  for (const candidate of candidates) {
    if (candidate.formOf && !forms) continue;
    if (!candidate.applies(material, judged)) continue;
    if (cut.length > 0 || (judged.length > 0 && !goOn())) {
      cut.push(candidate);
      continue;
    }
    progress(`trying ${candidate.name}`);
    const started = performance.now();
    const fitted = await candidate.fit(material, judged);
    const done = performance.now();
    const said = await fitted.logits(heldOut.rows);
    costs.set(candidate, {
      fits: 1,
      fitSeconds: (done - started) / 1000,
      rowsPerSecond: (1000 * heldOut.rows.length) / (performance.now() - done),
      bytes: fitted.exported().model.byteLength,
    });
    logits.set(candidate, said);
    const { answers, heads } = material;
    const loss = answers
      ? jointMeanLoss(said, heldOut.outcomes, answers, heads.length)
      : meanLossOf(said, heldOut.outcomes, heads.length);
    judged.push({ candidate, fitted, loss });
  }
  return { ...heldOut, users, day, logits, costs, cut };
}
