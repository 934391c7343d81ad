export { checkParity, type ParityOptions, type ParityResult } from './check.ts';
export { FolderError } from './errors.ts';
export {
  type Comparison,
  type Measure,
  type Note,
  type Part,
  parts,
  statedTolerances,
  type Tolerances,
} from './measure.ts';
export { type Summary, summarise } from './summary.ts';
