/**
 * The plan of the code, held by `npm run check`. lib/rooms.json has the rooms by layer, lowest first, and the second doors;
 * docs/architecture.md shows it as a table.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const MOST_ROOMS = 22;
const { doors, ...plans } = JSON.parse(readFileSync(new URL('lib/rooms.json', import.meta.url), 'utf8'));

const foldersOf = (path) =>
  readdirSync(new URL(`${path}/`, import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
const literally = (path) => path.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]+');
const roomsOf = (layers) => layers.flatMap((layer) => Object.keys(layer));

/** Rooms import those of lower layers, and none of their own. */
function downwards([path, layers]) {
  const planned = roomsOf(layers).sort();
  const there = foldersOf(path).sort();
  if (planned.join() !== there.join()) {
    const only = (some, others) => some.filter((room) => !others.includes(room)).join(', ') || 'none';
    throw new Error(
      `lib/rooms.json and ${path} differ: planned alone ${only(planned, there)}; there alone ${only(there, planned)}`,
    );
  }
  if (there.length > MOST_ROOMS)
    throw new Error(`${path} has ${there.length} rooms; ${MOST_ROOMS} are enough`);
  return layers.map((layer, i) => ({
    name: `downwards in ${path}, layer ${i + 1}`,
    comment: 'imports run downwards: see the layers in docs/architecture.md',
    severity: 'error',
    from: { path: `^${path}/(${Object.keys(layer).join('|')})/` },
    to: { path: `^${path}/(?:${roomsOf(layers.slice(i)).join('|')})/`, pathNot: `^${path}/$1/` },
  }));
}

/** A folder with an index.ts is entered by it, or by a second door. */
function byTheDoor(folder) {
  const within = foldersOf(folder).flatMap((name) => byTheDoor(`${folder}/${name}`));
  if (!existsSync(new URL(`${folder}/index.ts`, import.meta.url))) return within;
  return [
    {
      name: `by the door of ${folder}`,
      comment: 'another folder is entered by its index.ts; second doors are named in lib/rooms.json',
      severity: 'error',
      from: { pathNot: `^${folder}/` },
      to: {
        path: `^${folder}/`,
        pathNot: [`^${folder}/index\\.ts$`, ...Object.keys(doors).map((door) => `^${literally(door)}$`)],
      },
    },
    ...within,
  ];
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no circles',
      comment: 'types count too: move what both need to a file of its own',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'the engine knows no shop',
      severity: 'error',
      from: { path: '^lib/engine/' },
      to: { path: '^(?:lib|bin|functions|containers|package|examples)/', pathNot: '^lib/engine/' },
    },
    {
      name: 'lib is below all',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(?:bin|functions|containers|package|examples|test)/' },
    },
    {
      name: 'what is deployed needs no command line',
      severity: 'error',
      from: { path: '^(?:functions|containers)/' },
      to: { path: '^(?:bin|package|examples|test)/' },
    },
    {
      name: 'examples are strangers',
      comment: 'they import the package by its name',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: '^(?:lib|bin|functions|containers|test)/' },
    },
    {
      name: 'everything is found',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(?:\\.\\./)*dist/' },
    },
    ...Object.entries(plans).flatMap(downwards),
    ...byTheDoor('lib'),
  ],
  options: {
    // The compiler of this repository has no API for other tools.
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    moduleSystems: ['es6'],
    doNotFollow: { path: '(?:^|/)(?:node_modules|dist)/' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
