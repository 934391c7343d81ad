import type { ContainerOverrides, KeyValuePair } from '@aws-sdk/client-batch';
import { BatchError } from '../errors.ts';
import type { JobRequest } from '../types.ts';

/** Limits of AWS Batch. */
const ARRAY_SIZES = { least: 2, most: 10_000 } as const;
const MOST_ATTEMPTS = 10;
const MOST_DEPENDENCIES = 20;
const OVERRIDE_CHARACTERS = 8_192;

/**
 * Checks what AWS Batch would refuse, with a message of ours and before anything is sent.
 * @throws BatchError
 */
export function checkRequest({ name, arraySize, attempts, dependsOn = [] }: JobRequest): void {
  if (!/^[A-Za-z0-9][\w-]{0,127}$/.test(name)) {
    throw new BatchError(`"${name}" is no job name: use up to 128 letters, digits, '-' and '_'`);
  }
  const { least, most } = ARRAY_SIZES;
  if (arraySize !== undefined && !isWhole(arraySize, least, most)) {
    throw new BatchError(
      `job ${name} has array size ${arraySize}: give ${least} to ${most}, or none for one child`,
    );
  }
  if (attempts !== undefined && !isWhole(attempts, 1, MOST_ATTEMPTS)) {
    throw new BatchError(`job ${name} has ${attempts} attempts: give 1 to ${MOST_ATTEMPTS}`);
  }
  if (dependsOn.length > MOST_DEPENDENCIES) {
    throw new BatchError(
      `job ${name} depends on ${dependsOn.length} jobs: AWS Batch takes up to ${MOST_DEPENDENCIES}`,
    );
  }
}

/**
 * The environment as AWS Batch takes it: sorted, so that equal requests are equal.
 * @throws BatchError
 */
export function overridesOf({ name, environment }: JobRequest): ContainerOverrides {
  const names = Object.keys(environment).sort();
  const reserved = names.find((variable) => variable.startsWith('AWS_BATCH'));
  if (reserved !== undefined) {
    throw new BatchError(`job ${name} sets ${reserved}, which AWS Batch sets itself: choose another name`);
  }
  const pairs: KeyValuePair[] = names.map((variable) => ({
    name: variable,
    value: environment[variable] ?? '',
  }));
  const overrides = { environment: pairs };
  const { length } = JSON.stringify(overrides);
  if (length > OVERRIDE_CHARACTERS) {
    throw new BatchError(
      `job ${name} has an environment of ${length} characters, AWS Batch takes ${OVERRIDE_CHARACTERS}: ` +
        'put the content into an object and pass its key',
    );
  }
  return overrides;
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
