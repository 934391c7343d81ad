import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { conditionFault, expressionFaults, type NamedSource, previewDrop } from '../../lib/clean/index.ts';
import { type Config, itemAttributes, loadConfig, type Parts } from '../../lib/config/index.ts';
import { ConfigError, createPseudonyms, NightjarError } from '../../lib/data/index.ts';
import { populationColumns, populationColumnsText } from '../../lib/features/index.ts';
import { curesFor } from '../../lib/presets/index.ts';
import { showCures, showPreview } from './preview.ts';
import { workspaceOf } from './shared.ts';

/** `nightjar check`: what a source's mapping makes of a real file. */
export function checkCommand(): Command {
  return new Command('check')
    .description(
      'check the config, and show ten rows of a real file as they would be read. Exit code 1 where no row of it is clean, ' +
        'with what to change',
    )
    .argument('[file]', 'one of the shop’s files')
    .option('--source <name>', 'the source it belongs to (default: the only one)')
    .option('--features', 'print what a condition of `population` may read of a user, and what it says')
    .option('--json', 'print the rows for a machine')
    .action(
      async (
        file: string | undefined,
        options: { source?: string; features?: boolean; json?: boolean },
        command: Command,
      ) => {
        // All that is wrong with the config is told at once, SQL included.
        await loadConfig(command.optsWithGlobals<{ config: string }>().config, { faults: sqlFaults });
        const { config } = await workspaceOf(command);
        if (options.features) {
          showColumns(config, options.json === true);
          return;
        }
        const sources = Object.keys(config.sources);
        if (!file) {
          const tasks = Object.keys(config.tasks);
          if (options.json) console.log(JSON.stringify({ sources, tasks }));
          else console.log(`the config is right: sources ${sources.join(', ')}; tasks ${tasks.join(', ')}`);
          return;
        }
        const source = options.source ?? (sources.length === 1 ? sources[0]! : undefined);
        if (!source || !config.sources[source]) {
          throw new ConfigError(`say which source the file belongs to: --source ${sources.join(' | ')}`);
        }
        await check(file, { name: source, source: config.sources[source] }, config, options.json === true);
      },
    );
}

/** What the condition of a population may read, a line each. */
function showColumns(config: Config, json: boolean): void {
  const columns = populationColumns(config).map(({ name, isNumber, words }) => ({ name, isNumber, words }));
  if (json) console.log(JSON.stringify(columns, null, 2));
  else for (const { name, words } of columns) console.log(`"${name}"  ${words}`);
}

/** @throws NightjarError where nothing of the file would be used */
async function check(file: string, named: NamedSource, config: Config, json: boolean): Promise<void> {
  // Nothing is stored: any key seals the users on their way through.
  const pseudonyms = createPseudonyms(randomBytes(64));
  const preview = await previewDrop({ file, named, config, pseudonyms });
  const cures = await curesFor({ file, named, config, preview });
  if (json) {
    const { timeZone, currency } = config.shop;
    console.log(JSON.stringify({ ...preview, timeZone, currency, cures }, null, 2));
  } else if (preview.status === 'read') console.log(showPreview(preview, named, config));
  const advice =
    cures.length === 0 || json
      ? ''
      : `\nthe file suggests, for ${named.name} in the config:\n${showCures(cures)}`;
  if (preview.status === 'refused') {
    throw new NightjarError(`${file} would be refused: ${preview.reason}. ${preview.hint}${advice}`);
  }
  if (preview.rowsIn > 0 && preview.clean === 0) {
    throw new NightjarError(`no row of ${file} is clean: nothing of it would be used${advice}`);
  }
  if (advice !== '') console.log(advice);
}

/** Expressions of a config's sources that are no SQL, and conditions that no item of a list or no user can be asked, as faults of the config. */
async function sqlFaults(parts: Parts): Promise<string[]> {
  const expressions = (await expressionFaults(parts.sources)).map(
    ({ source, path, expression, why }) =>
      `sources.${source}.${path}: given ${JSON.stringify(expression)}, expected an expression of DuckDB’s SQL: ${why}`,
  );
  return [...expressions, ...(await listFaults(parts)), ...(await populationFaults(parts))];
}

/** Conditions of populations that no user can be asked. */
async function populationFaults(parts: Parts): Promise<string[]> {
  const { shop, sources, tasks, named, features } = parts;
  // A source that is wrong may be the one that has the attributes.
  if (!shop || !features || !named || ![...named].every((name) => sources[name])) return [];
  const settings = { features, sources };
  const faults: string[] = [];
  for (const [name, task] of Object.entries(tasks)) {
    if ((task.kind !== 'event' && task.kind !== 'value') || typeof task.population !== 'object') continue;
    const condition = task.population.where;
    const setting = `tasks.${name}.population.where`;
    const asked = { condition, setting, of: 'what is known of users', zone: shop.timeZone };
    const why = await conditionFault(asked, populationColumns(settings));
    if (why === undefined) continue;
    faults.push(
      `${setting}: given ${JSON.stringify(condition)}, expected a condition in DuckDB’s SQL over ${populationColumnsText(settings)}: ${why}`,
    );
  }
  return faults;
}

async function listFaults(parts: Parts): Promise<string[]> {
  const { shop, sources, tasks, named } = parts;
  // A source that is wrong may be the one that has the attributes.
  if (!shop || !named || ![...named].every((name) => sources[name])) return [];
  const columns = [{ name: 'item', isNumber: false }];
  for (const kind of ['numbers', 'categories', 'texts'] as const) {
    for (const name of itemAttributes(parts, kind)) columns.push({ name, isNumber: kind === 'numbers' });
  }
  const faults: string[] = [];
  for (const [name, task] of Object.entries(tasks)) {
    if (task.kind !== 'next' || task.only === undefined) continue;
    const { only: condition } = task;
    const setting = `tasks.${name}.only`;
    const asked = { condition, setting, of: 'the table of items', zone: shop.timeZone };
    const why = await conditionFault(asked, columns);
    const known = columns.map((column) => `"${column.name}"`).join(', ');
    if (why !== undefined) {
      faults.push(
        `${setting}: given ${JSON.stringify(condition)}, expected a condition in DuckDB’s SQL over ${known}: ${why}`,
      );
    }
  }
  return faults;
}
