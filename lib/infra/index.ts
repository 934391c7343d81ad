export { ACCESS, type Access, bucketOf, PREFIXES, type Prefix } from './access-table.ts';
export { buildApp, type Stacks } from './app.ts';
export { type Packages, type Role, type Setting, stackId } from './shared.ts';
