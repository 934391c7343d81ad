import { fileURLToPath } from 'node:url';
import { LIMIT_FILES, type LimitFile, writeLimit } from './limit-files.ts';
import { type Measured, runMeasured } from './measured.ts';
import { load, printTable, whole, withFolder } from './support.ts';

/** What the cleaning function has by default (`deploy.functions.cleanMemoryMiB`). */
export const FUNCTION_MIB = 3008;

export interface LimitMeasured extends Measured {
  readonly rows: number;
  readonly clean: number;
  readonly users: number;
  readonly lines: number;
  /** To clean, to build day rows, to read them. */
  readonly steps: readonly [number, number, number];
}

/** A drop at a limit through a process of its own, which is told how much memory it has. */
export function measureLimit(file: LimitFile): Promise<LimitMeasured> {
  return withFolder(async (folder) => {
    const key = await writeLimit(folder, file);
    const script = fileURLToPath(new URL('./limit-drop.ts', import.meta.url));
    const args = [
      '--import',
      import.meta.resolve('tsx'),
      script,
      folder,
      key,
      file.format,
      String(file.mebibytes ?? FUNCTION_MIB),
    ];
    const measured = await runMeasured(args, {});
    const { seconds, ...told } = JSON.parse(measured.output);
    return { ...measured, ...told, steps: seconds };
  });
}

/** Drops at the limits: time of each step, and memory at its peak. */
export async function benchLimits(): Promise<void> {
  const rows: string[][] = [];
  for (const file of LIMIT_FILES) {
    const { rows: read, steps, peakRss } = await measureLimit(file);
    rows.push([file.name, whole(read), ...steps.map((s) => s.toFixed(1)), whole(peakRss / 1e6)]);
  }
  printTable(
    `drops at their limits, each in a process that is told that it has ${FUNCTION_MIB} MiB unless more is named (load ${load()})`,
    ['', 'rows', 'clean s', 'day rows s', 'read s', 'peak MB'],
    rows,
  );
}
