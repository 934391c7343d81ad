import { spawnSync } from 'node:child_process';

const SEES = 'import pyarrow, pyarrow.dataset, pyarrow.parquet';
/** A Python that has pyarrow: NIGHTJAR_PYTHON, else the one on the path. */
const python = [process.env.NIGHTJAR_PYTHON, 'python3'].find(
  (name) => name && spawnSync(name, ['-c', SEES], { stdio: 'ignore' }).status === 0,
);

export const hasPyarrow = python !== undefined;
if (!hasPyarrow)
  console.warn('left out: tests that read exports by pyarrow (NIGHTJAR_PYTHON names a Python that has it)');

/** Runs a program and reads what it prints as JSON. @throws Error with what it said when it fails */
export function pythonJson(program: string, ...args: string[]): unknown {
  const ended = spawnSync(python!, ['-c', program, ...args], { encoding: 'utf8' });
  if (ended.status !== 0) throw new Error(ended.stderr);
  return JSON.parse(ended.stdout);
}
