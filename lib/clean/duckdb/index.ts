export { arrowField, type CellColumn, type Cells, type CellType, cutBatches, readCells } from './cells.ts';
export {
  duckDbMessage,
  type EngineOptions,
  engineWithin,
  quoteIdentifier,
  quoteText,
  refusalOr,
  Sql,
  withConnection,
} from './engine.ts';
export { timeReadingText } from './functions.ts';
export { fromLocal, toLocal } from './zones.ts';
