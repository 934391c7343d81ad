import { parseArgs } from 'node:util';
import { KINDS } from './kinds.ts';
import { fuzz, type Result } from './run.ts';

/**
 * `npm run fuzz -- [READER …] [--inputs 100000] [--seed 1]`: real files are changed by a seed and given to everything that reads
 * bytes of others. `--one INDEX --keep FILE` reads one of them again and leaves it there. Exit code 1 where a fault was found.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inputs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    one: { type: 'string' },
    keep: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const unknown = positionals.find((name) => !(name in KINDS));
if (unknown !== undefined) {
  console.error(`there is no reader "${unknown}": choose of ${Object.keys(KINDS).join(', ')}`);
  process.exit(2);
}
const names = positionals.length > 0 ? positionals : Object.keys(KINDS);
const seed = Number(values.seed);
const shares = names.reduce((sum, name) => sum + KINDS[name]!.share, 0);
/** Generous for a machine that does other work: what hangs, hangs for ever. */
const LIMITS = { seconds: 30, mebibytes: 1024 };

const results: Record<string, Result> = {};
for (const name of names) {
  const inputs = Math.ceil((Number(values.inputs) * KINDS[name]!.share) / shares);
  const range = values.one
    ? { from: Number(values.one), to: Number(values.one) + 1 }
    : { from: 0, to: inputs };
  results[name] = await fuzz(name, seed, range, LIMITS, {
    ...(values.keep && { keep: values.keep }),
    ...(process.stderr.isTTY && {
      progress: (done) => done % 100 === 0 && process.stderr.write(`\r${name} ${done} of ${inputs}  `),
    }),
  });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  for (const { index, kind, told } of results[name].faults)
    console.error(`${name} ${index}: ${kind}: ${told}\n`);
}

if (values.json) console.log(JSON.stringify({ seed, results }, null, 2));
else {
  console.log(`seed ${seed}`);
  console.log('| reader | files | read | refused | faults | slowest s | peak MiB | s |');
  console.log('|---|---:|---:|---:|---:|---:|---:|---:|');
  for (const [name, { read, refused, faults, slowestSeconds, peakMebibytes, seconds }] of Object.entries(
    results,
  )) {
    const files = read + refused + faults.length;
    const told = [files, read, refused, faults.length].map((n) => n.toLocaleString('en-US'));
    console.log(
      `| ${name} | ${told.join(' | ')} | ${slowestSeconds.toFixed(1)} | ${Math.round(peakMebibytes)} | ${Math.round(seconds)} |`,
    );
  }
}
process.exitCode = Object.values(results).some(({ faults }) => faults.length > 0) ? 1 : 0;
