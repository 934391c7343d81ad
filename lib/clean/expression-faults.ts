import type { Source } from '../config/index.ts';
import { withConnection } from './duckdb/index.ts';
import { type SyntaxFault, syntaxFaults } from './mapping/index.ts';

export interface ExpressionFault extends SyntaxFault {
  readonly source: string;
}

/** All expressions of a config that no file could make right, in the order of the config. */
export async function expressionFaults(
  sources: Readonly<Record<string, Source>>,
): Promise<ExpressionFault[]> {
  return withConnection({ threads: 1 }, async (sql) => {
    const faults: ExpressionFault[] = [];
    for (const [name, source] of Object.entries(sources)) {
      for (const fault of await syntaxFaults(sql, source)) faults.push({ source: name, ...fault });
    }
    return faults;
  });
}
