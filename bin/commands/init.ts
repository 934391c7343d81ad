import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, relative, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { ConfigError, formatDay, isZoneName, NightjarError, parseDay } from '../../lib/data/index.ts';
import {
  ANY_FILE,
  curesFor,
  type Guess,
  PRESET_NAMES,
  PRESETS,
  presetNamed,
  type Started,
  startFrom,
} from '../../lib/presets/index.ts';
import { CALL } from '../home.ts';
import { type Laid, layOut } from '../local/project.ts';
import { showCures, showPreview } from './preview.ts';
import { table } from './shared.ts';
import { STARTER } from './starter.ts';

interface InitOptions {
  readonly from?: string;
  readonly timeZone?: string;
  readonly name?: string;
  readonly json?: boolean;
}

const FROM_HELP = `
Names for --from, and which export of a shop each reads (docs/presets.md says how to get it):
${PRESETS.map(({ name, title, shapes }) => `  ${name.padEnd(14)}${title}: ${shapes.map((shape) => shape.title).join('; or ')}`).join('\n')}
  ${ANY_FILE.padEnd(14)}any other file of events or order lines (csv, lines of JSON, parquet): its columns are guessed`;

/** `nightjar init`: a folder with a config to start from, made for the shop's own files where some are given. */
export function initCommand(): Command {
  return new Command('init')
    .description(
      'make a folder for a shop: nightjar.config.ts, .gitignore (without the bucket and its key) and package.json (for the ' +
        'types of the config). With --from and a file the config is made for that file: every guess is told, and the rows are ' +
        'shown as they would be read. What is there already is never overwritten.',
    )
    .argument('[folder]', 'where to write them; it is made if it is not there', '.')
    .argument('[files...]', 'files of the shop, with --from')
    .addOption(new Option('--from <name>', 'which export the files are').choices(PRESET_NAMES))
    .option(
      '--time-zone <zone>',
      'where the shop is: an IANA zone such as Europe/London (default: UTC, as a guess)',
    )
    .option('--name <name>', 'name of the shop (default: that of the folder)')
    .option('--json', 'print paths, guesses and rows for a machine')
    .addHelpText('after', FROM_HELP)
    .action(async (folder: string, files: string[], options: InitOptions) => {
      const config = resolve(folder, 'nightjar.config.ts');
      if (existsSync(config)) throw new ConfigError(`${config} is there already: it was left as it is`);
      refuseHalfOfIt(files, options);
      if (!options.from) {
        const laid = await laidOut(folder, STARTER);
        if (options.json) console.log(JSON.stringify({ config, ...laid }));
        else
          console.log(
            `${showLaid(laid)}\nfill in your columns, then: ${CALL} --config ${folder} check <one of your files>`,
          );
        return;
      }
      const started = await startFrom({
        preset: presetNamed(options.from),
        files,
        shopName: options.name ?? basename(resolve(folder)),
        timeZone: options.timeZone,
      });
      const laid = await laidOut(folder, started.text);
      await tell(folder, config, laid, started, options);
    });
}

function refuseHalfOfIt(files: readonly string[], { from, timeZone }: InitOptions): void {
  if (from && files.length === 0) {
    throw new ConfigError(`--from ${from} needs a file: ${CALL} init FOLDER --from ${from} FILE`);
  }
  if (!from && files.length > 0) {
    throw new ConfigError(
      `say what ${files.join(', ')} is: --from ${ANY_FILE} for any file, or one of ${PRESET_NAMES.join(', ')}`,
    );
  }
  if (timeZone !== undefined && !isZoneName(timeZone)) {
    throw new ConfigError(
      `--time-zone ${timeZone}: give an IANA zone such as Europe/London or UTC (no abbreviation: BST means two zones)`,
    );
  }
}

async function laidOut(folder: string, config: string): Promise<Laid> {
  await mkdir(resolve(folder), { recursive: true });
  return layOut(resolve(folder), config);
}

/** @throws NightjarError where the files were read and nothing of one would be used */
async function tell(
  folder: string,
  configFile: string,
  laid: Laid,
  { config, files, guesses }: Started,
  { json }: InitOptions,
): Promise<void> {
  const read = await Promise.all(
    files.map(async ({ file, source, shape, preview }) => {
      const named = { name: source, source: config.sources[source]! };
      return { file, named, shape, preview, cures: await curesFor({ file, named, config, preview }) };
    }),
  );
  if (json) {
    const records = read.map(({ file, named, shape, preview, cures }) => ({
      ...{ file, source: named.name, cures, ...preview },
      ...(shape && { export: shape.title, becomes: shape.becomes }),
    }));
    console.log(JSON.stringify({ config: configFile, ...laid, guesses, files: records }, null, 2));
  } else {
    console.log(showLaid(laid));
    for (const { file, shape } of read)
      if (shape) console.log(`\n${file} is read as ${shape.title}:\n${showBecomes(shape.becomes)}`);
    console.log(`\nguessed, and written into the config:\n${showGuesses(guesses)}`);
  }
  const useless: string[] = [];
  for (const { file, named, preview, cures } of read) {
    const suggested =
      cures.length === 0 ? '' : `\nthe file suggests, for ${named.name} in the config:\n${showCures(cures)}`;
    if (preview.status === 'refused') {
      useless.push(`${file} would be refused: ${preview.reason}. ${preview.hint}${suggested}`);
      continue;
    }
    if (!json)
      console.log(
        `\n${file} as it would be read:\n${showPreview(preview, named, config)}${suggested && `\n${suggested}`}`,
      );
    if (preview.rowsIn > 0 && preview.clean === 0) useless.push(`no row of ${file} is clean${suggested}`);
  }
  if (useless.length > 0) {
    throw new NightjarError(
      `the config was written, and must be changed before it is of use: ${useless.join('\n')}`,
    );
  }
  if (!json) console.log(showNext(folder, read));
}

const showLaid = ({ written, kept }: Laid): string =>
  [
    ...written.map((file) => `written   ${near(file)}`),
    ...kept.map(({ file, advice }) => `kept      ${near(file)}${advice ? `: ${advice}` : ''}`),
  ].join('\n');

/** A path as a person would type it from here. */
const near = (file: string): string => {
  const path = relative(process.cwd(), file);
  return path.startsWith('..') ? file : path;
};

const showBecomes = (becomes: Readonly<Record<string, string>>): string =>
  Object.entries(becomes)
    .filter(([, text]) => text !== '')
    .map(([what, text]) => `  ${what.padEnd(11)} ${text}`)
    .join('\n');

const showGuesses = (guesses: readonly Guess[]): string =>
  table(
    ['what', 'guess', 'why', 'or'],
    guesses.map(({ what, guess, why, others = [] }) => [
      `  ${what}`,
      guess,
      why,
      others.slice(0, 4).join(', '),
    ]),
  )
    .split('\n')
    .slice(1)
    .join('\n');

/** What to type next: each file under its source, then a run as of the day after its last. */
function showNext(
  folder: string,
  read: readonly { file: string; named: { name: string }; preview: Started['files'][number]['preview'] }[],
): string {
  const call = `${CALL} --config ${folder}`;
  const days = read.flatMap(({ preview }) =>
    preview.status === 'read' && preview.days ? [preview.days.last] : [],
  );
  const last = days.sort().at(-1);
  const lines = [
    `${call} check ${read[0]?.file} --source ${read[0]?.named.name}   # after every change of the config`,
    ...read.map(({ file, named }) => `${call} drop ${file} --source ${named.name}`),
    ...(last === undefined ? [] : [`${call} run --as-of ${formatDay(parseDay(last) + 1)}`]),
  ];
  return `\nnext:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
