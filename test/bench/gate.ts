import { join } from 'node:path';
import { openExample } from '../../bin/commands/backtest.ts';
import { table } from '../../bin/commands/shared.ts';
import { formatDay, parseDay } from '../../lib/data/index.ts';
import { finetuneRun, gateRecords } from '../../lib/models/index.ts';
import { planRun } from '../../lib/run/index.ts';
import { withFolder } from './support.ts';

const FIRST = '2011-05-02';
const WEEK = 7;

/**
 * How often is a training refused that nothing is wrong with? A training each week of a year of real invoices (online-retail),
 * each on all that was known by its day, with logistic regression and boosted trees.
 * `--weeks N`: how many; default: 30.
 */
export async function benchGate(options: readonly string[] = []): Promise<void> {
  const at = options.indexOf('--weeks');
  const weeks = at < 0 ? 30 : Number(options[at + 1]);
  await withFolder(async (folder) => {
    const { config: given, ...workspace } = await openExample('online-retail', join(folder, 'bucket'));
    const { store } = workspace;
    const config = { ...given, model: { ...given.model, families: ['logistic', 'trees'] as const } };
    const drops = await workspace.ingest(() => {});
    const rows: string[][] = [];
    const counted = { refused: 0, factor: 1, rank: 1 };
    for (let week = 0; week < weeks; week++) {
      const asOf = formatDay(parseDay(FIRST) + WEEK * week);
      const settings = { ...config, model: { ...config.model, families: [...config.model.families] } };
      const planned = {
        ...workspace,
        config: settings,
        drops,
        purpose: 'training',
        asOf,
        only: 'purchase',
      } as const;
      const { runId, manifest } = await planRun(planned);
      await finetuneRun({ store, runId, progress: () => {} });
      const [record] = await gateRecords(store, runId, manifest);
      const checks = record?.checks ?? [];
      const quality = checks.filter(({ check }) => check === 'quality').length;
      counted.refused += record?.refused === undefined ? 0 : 1;
      for (const { said } of checks) {
        const rank = /champion's scores (-?\d\.\d+)/.exec(said)?.[1];
        const factor = /\((\d+\.\d+) times/.exec(said)?.[1];
        if (rank) counted.rank = Math.min(counted.rank, Number(rank));
        if (factor) counted.factor = Math.max(counted.factor, Number(factor), 1 / Number(factor));
      }
      rows.push([asOf, `${quality}`, `${checks.length - quality}`, record?.refused ?? 'promoted']);
      console.log(rows.at(-1)!.join('  '));
    }
    console.log(`\n${table(['as of', 'on unseen windows', 'other checks', ''], rows)}`);
    console.log(
      `${counted.refused} of ${weeks} refused; tonight's scores beside the champion's: rank correlation at least ${counted.rank.toFixed(2)}, ` +
        `odds at most ${counted.factor.toFixed(2)} times`,
    );
  });
}
