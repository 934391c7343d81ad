#!/usr/bin/env node
// In a checkout the command is TypeScript and tsx runs it without a build; an installed package holds dist alone.
import { existsSync } from 'node:fs';

const source = new URL('./nightjar.ts', import.meta.url);
if (existsSync(source)) {
  const { register } = await import('tsx/esm/api');
  register();
  await import(source.href);
} else {
  await import('../dist/bin/nightjar.js');
}
