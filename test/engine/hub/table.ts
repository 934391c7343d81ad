/**
 * The table of docs/parity.md, a row for each folder, made by test/fixtures/reference/make-folder.py and make-forms.py:
 *
 *     node --import tsx test/engine/hub/table.ts FOLDER…
 *
 * It exits with 1 when a form that was made cannot be read or tuned.
 */
import { basename } from 'node:path';
import { checkForms, type FormResult } from './check-form.ts';

const short = (value: number) => (value === 0 ? '0' : value.toExponential(0));

function cell({ failed, notMade, difference = 0, fromFile = 0 }: FormResult): string {
  if (notMade) return '–';
  return failed ? 'fails' : `${short(difference)}, ${short(fromFile)}`;
}

const notes: string[] = [];
for (const [i, folder] of process.argv.slice(2).entries()) {
  const results = await checkForms(folder);
  if (i === 0) {
    console.log(`| family | ${results.map(({ form }) => form).join(' | ')} |`);
    console.log(`| --- |${' --- |'.repeat(results.length)}`);
  }
  console.log(`| ${basename(folder)} | ${results.map(cell).join(' | ')} |`);
  for (const { form, failed, notMade, learned = 0 } of results) {
    const why = failed ?? notMade ?? (learned < 1 ? undefined : 'LoRA does not lower the loss');
    if (why) notes.push(`${basename(folder)}, ${form}: ${notMade ? 'not made: ' : ''}${why}`);
    if (why && !notMade) process.exitCode = 1;
  }
}
console.log(['', ...notes].join('\n'));
