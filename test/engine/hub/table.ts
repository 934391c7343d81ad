/**
 * The table of docs/parity.md: every form of every folder named, made by test/fixtures/reference/make-forms.py.
 *
 *     node --import tsx test/engine/hub/table.ts FOLDER…
 */
import { basename } from 'node:path';
import { checkForms, type FormResult } from './check-form.ts';

const short = (value: number) => (value === 0 ? '0' : value.toExponential(0));

function cell({ failed, difference = 0, fromFile = 0, layers = 0, learned = 0 }: FormResult): string {
  if (failed) return failed.slice(0, 700);
  return `${short(difference)} | ${short(fromFile)} | ${layers} | ${learned.toFixed(2)}`;
}

for (const folder of process.argv.slice(2)) {
  for (const result of await checkForms(folder))
    console.log(`| ${basename(folder)} | ${result.form} | ${cell(result)} |`);
}
