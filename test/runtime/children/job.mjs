import { appendFileSync, readFileSync } from 'node:fs';

/**
 * A job that does what PLAN says: for each array index ('plain' without one, 'all' for every other) one list of steps
 * an attempt, the last one for all later attempts. Plain JavaScript, so that it starts at once. The steps:
 *
 * record: appends "label index attempt" to the RECORD file; recordId: the job's id and a variable of its environment;
 * print, complain: a line on standard output, error; until: waits for so many lines in the RECORD file;
 * kill: signals itself; exit: ends with the code.
 */

const {
  PLAN = '[]',
  RECORD = '',
  AWS_BATCH_JOB_ARRAY_INDEX,
  AWS_BATCH_JOB_ATTEMPT,
  AWS_BATCH_JOB_ID,
} = process.env;
const plans = JSON.parse(PLAN);
const attempt = Number(AWS_BATCH_JOB_ATTEMPT);
const byIndex = plans[AWS_BATCH_JOB_ARRAY_INDEX ?? 'plain'] ?? plans.all ?? [];
const steps = byIndex[Math.min(attempt, byIndex.length) - 1] ?? [];

for (const [step, argument] of steps) {
  if (step === 'record')
    appendFileSync(RECORD, `${argument} ${AWS_BATCH_JOB_ARRAY_INDEX ?? '-'} ${attempt}\n`);
  if (step === 'recordId') appendFileSync(RECORD, `${AWS_BATCH_JOB_ID} ${process.env[argument]}\n`);
  if (step === 'print') process.stdout.write(`${argument}\n`);
  if (step === 'complain') process.stderr.write(`${argument}\n`);
  if (step === 'until') while (readFileSync(RECORD, 'utf8').split('\n').length <= argument);
  if (step === 'kill') process.kill(process.pid, argument);
  if (step === 'exit') process.exitCode = argument;
}
