import { EngineError } from '../errors.ts';
import { compareAdversarial } from './adversarial.ts';
import { batchSize, classifier } from './classifier.ts';
import { openEncoder } from './encoder.ts';
import { FolderError } from './errors.ts';
import { compareForward } from './forward.ts';
import { compareMerged, loraModel, loraRuns } from './lora.ts';
import {
  type Comparison,
  Ledger,
  type Note,
  type Part,
  parts,
  statedTolerances,
  type Tolerances,
} from './measure.ts';
import { comparePrivate } from './private.ts';
import { type Reference, readReference } from './reference.ts';
import { compareRun, fullRun, headRun } from './training.ts';

export interface ParityOptions {
  /** Parts to compare; all by default. */
  readonly only?: readonly Part[];
  /** Model files to compare; all that parity.json names by default. */
  readonly files?: readonly string[];
  readonly tolerances?: Tolerances;
  /** Told what is under way. */
  readonly onProgress?: (text: string) => void;
}

export interface ParityResult {
  readonly comparisons: readonly Comparison[];
  readonly notes: readonly Note[];
  /** Every difference is within its tolerance, and nothing failed. */
  readonly ok: boolean;
}

/**
 * Repeats with the engine what a reference folder records, for each of its model files: outputs, gradients, training,
 * adversarial and private steps. Float32 runs on the runtime, float64 in the interpreter.
 * @throws FolderError when the folder does not have the form. A file that cannot be imported is a failed note.
 */
export async function checkParity(folder: string, options: ParityOptions = {}): Promise<ParityResult> {
  const reference = await readReference(folder);
  const files = options.files ?? reference.files;
  const unknown = files.filter((file) => !reference.files.includes(file));
  if (unknown.length > 0) {
    throw new FolderError(`parity.json has no ${unknown.join(', ')}; it names ${reference.files.join(', ')}`);
  }
  const comparisons: Comparison[] = [];
  const notes: Note[] = [];
  for (const file of files) {
    const ledger = new Ledger(file, options.tolerances ?? statedTolerances, options.only ?? parts);
    try {
      await checkFile(reference, file, options, ledger);
    } catch (error) {
      if (!(error instanceof EngineError) || error instanceof FolderError) throw error;
      ledger.fail(error.message);
    }
    comparisons.push(...ledger.comparisons);
    notes.push(...ledger.notes);
  }
  return { comparisons, notes, ok: comparisons.every(({ ok }) => ok) && !notes.some(({ failed }) => failed) };
}

async function checkFile(
  reference: Reference,
  file: string,
  { only = parts, onProgress }: ParityOptions,
  ledger: Ledger,
): Promise<void> {
  const wants = (...some: Part[]) => some.some((part) => only.includes(part));
  const tell = (text: string) => onProgress?.(`${file}: ${text}`);
  const encoder = await openEncoder(reference, file, batchSize(reference));
  for (const name of encoder.absent) {
    const initializer = reference.figures.onnx[file]?.weight_map[name]?.initializer;
    if (initializer) ledger.fail(`${name} is not found: the imported graph has no parameter ${initializer}`);
    else ledger.skip(`${name} is left out: parity.json says of no initializer that it holds it`);
  }
  const graph = classifier(reference, encoder);
  if (wants('forward', 'gradients')) {
    tell('forward and gradients');
    await compareForward(reference, encoder, graph, 'f32', ledger);
    await compareForward(reference, encoder, graph, 'f64', ledger);
  }
  if (wants('training', 'weights')) {
    for (const run of [fullRun(reference, encoder, graph, ledger), headRun(reference, encoder, graph)]) {
      if (!run) continue;
      tell(run.kind);
      await compareRun(reference, encoder, run, ledger);
    }
    const lora = loraModel(reference, encoder, ledger);
    for (const run of lora ? loraRuns(reference, lora) : []) {
      tell(run.kind);
      const values = await compareRun(reference, encoder, run, ledger);
      if (lora && values) await compareMerged(reference, encoder, lora, run.kind, values, ledger);
    }
  }
  if (wants('adversarial')) {
    tell('adversarial');
    await compareAdversarial(reference, encoder, graph, ledger);
  }
  if (wants('private')) {
    tell('private');
    await comparePrivate(reference, file, ledger);
  }
}
