#!/usr/bin/env node
// In a checkout the command is TypeScript and tsx runs it without a build; an installed package holds dist alone.
import { existsSync } from 'node:fs';

/** What explains errors may be what could not be loaded: only what a start itself needs is known here. */
const faults = [];
const onFault = (error) => {
  if (faults.push(error) > 1) return;
  // Of several the one of the system is the cause, and may come last.
  setImmediate(() => {
    const cause = faults.find((fault) => fault?.syscall) ?? faults[0];
    const [what] = String(cause?.message ?? cause).split('\n');
    const temporary = process.env.TMPDIR ?? '/tmp';
    const cure =
      cause?.code === 'EMFILE'
        ? 'raise the limit of open files (ulimit -n 4096)'
        : cause?.syscall
          ? `look at that path, and whether the temporary folder ${temporary} can be written`
          : 'install its packages again (npm ci); if that does not help, report it';
    console.error(`nightjar: cannot be started: ${what}: ${cure}`);
    if (process.env.NIGHTJAR_DEBUG === '1') console.error(cause);
    process.exit(1);
  });
};
process.on('uncaughtException', onFault);
try {
  const source = new URL('./nightjar.ts', import.meta.url);
  if (existsSync(source)) {
    const { register } = await import('tsx/esm/api');
    register();
    await import(source.href);
  } else {
    await import('../dist/bin/nightjar.js');
  }
} catch (error) {
  onFault(error);
}
