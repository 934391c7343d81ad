export { packSmallFiles } from './build-packs.ts';
export { coverByPacks, type PackInput } from './cover.ts';
