#!/usr/bin/env node
// The command line is TypeScript; tsx lets Node 20 and 22 run it from a checkout without a build.
import { register as registerHooks } from 'node:module';
import { register } from 'tsx/esm/api';

register();
// A config outside of this checkout may import 'nightjar' too.
registerHooks('./resolve-nightjar.js', import.meta.url);
await import('./nightjar.ts');
