#!/usr/bin/env node
// The command line is TypeScript; tsx lets Node 20 and 22 run it from a checkout without a build.
import { register } from 'tsx/esm/api';

register();
await import('./nightjar.ts');
