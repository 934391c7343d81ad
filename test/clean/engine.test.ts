import { expect, it } from 'vitest';
import { refusalOr, withConnection } from '../../lib/clean/duckdb/index.ts';
import { Refusal } from '../../lib/clean/index.ts';

it('after a fatal error of DuckDB the next drop gets an instance of its own', async () => {
  // given an instance that holds a table
  await withConnection({}, (sql) => sql.run('CREATE TABLE known AS SELECT 1'));
  await withConnection({}, (sql) => sql.run('FROM known'));
  // when a drop breaks the engine
  const broken = withConnection({}, async () => {
    throw new Error('INTERNAL Error: Attempted to access index 1 within vector of size 0');
  });
  await expect(broken).rejects.toThrow('INTERNAL Error');
  // then the instance is not used again, and a new one works
  await expect(withConnection({}, (sql) => sql.run('FROM known'))).rejects.toThrow(/does not exist/);
  await withConnection({}, (sql) => sql.run('SELECT 1'));
});

it('after an error of the data it stays', async () => {
  await withConnection({}, (sql) => sql.run('CREATE TABLE kept AS SELECT 1'));
  await expect(withConnection({}, (sql) => sql.run("SELECT 'x'::INTEGER"))).rejects.toThrow(
    /Conversion Error/,
  );
  await withConnection({}, (sql) => sql.run('FROM kept'));
});

it.each([
  ['Could not read enough bytes from file "the file": attempted to read 16 bytes from location 8', true],
  ['INT64 converted type can only be set for value of Type::INT32', true],
  ['Could not write file "/tmp/x": No space left on device', false],
  ['Could not read from file "/tmp/x": Input/output error', false],
  ['Cannot open file "/tmp/x": Too many open files', false],
])('an IO error of a damaged file is a refusal, one of the machine is not: %s', (message, refused) => {
  const fault = refusalOr(new Error(`IO Error: ${message}`), 'it cannot be read', 'write it again');
  expect(fault instanceof Refusal).toBe(refused);
});
