import { SystemError } from '../errors.ts';

/** What the SDK says of a request that failed. */
export interface AwsFailure {
  /** AWS's code (`AccessDenied`) or the system's (`ECONNRESET`). */
  readonly code: string;
  readonly message: string;
  /** HTTP status of the last answer; absent where there was none. */
  readonly status: number | undefined;
  /** How often the request was sent: above 1, an earlier one may have done its work and only its answer was lost. */
  readonly attempts: number;
}

export function awsFailure(error: unknown): AwsFailure {
  if (!(error instanceof Error)) {
    return { code: 'Unknown', message: String(error), status: undefined, attempts: 1 };
  }
  const metadata = '$metadata' in error ? fields(error.$metadata) : {};
  const { httpStatusCode, attempts } = metadata;
  const status = typeof httpStatusCode === 'number' ? httpStatusCode : undefined;
  return {
    code: codeOf(error),
    message: error.message,
    status,
    attempts: typeof attempts === 'number' ? attempts : 1,
  };
}

/** AWS may or may not have done what was asked: it gave no answer, or one that says only that it has a problem. */
export function isUnclear({ status }: AwsFailure): boolean {
  return status === undefined || status >= 500;
}

/** A dependency asks for fewer requests. */
const THROTTLING =
  /Throttl|^(?:SlowDown|RequestLimitExceeded|TooManyRequests\w*|LimitExceededException|BandwidthLimitExceeded|Kms\w*Throttl\w*)/i;

/** The caller was known, and is not any more. */
const EXPIRED: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'RequestExpired',
  'TokenRefreshRequired',
]);

/** A dependency was asked and did not get to it: HTTP statuses of a moment. 409: another writer at the same moment. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 409, 429, 500, 502, 503, 504]);

/** It was not reached, or its answer was not: names of the SDK, codes of the system. */
const UNREACHED: ReadonlySet<string> = new Set([
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Of a folder as the store: its disk, or another program, is in the way for now. */
const BUSY: ReadonlySet<string> = new Set(['ESTALE', 'EBUSY', 'ETXTBSY', 'EAGAIN', 'ENFILE']);

/** How many causes are looked at: an error may be its own cause. */
const DEEPEST = 10;

/**
 * The one place that says what kind of fault an error is: a dependency (S3, SQS, Batch, the keys, the network, the disk of
 * a folder) is away for now, so that the same work may well succeed later; or the work, its data or its settings are at
 * fault, and it would fail again. Looks through the causes of errors of ours.
 */
export function isAway(error: unknown): boolean {
  return chainOf(error).some((one) => {
    if (one instanceof SystemError) return BUSY.has(one.code) || UNREACHED.has(one.code);
    const failure = awsFailure(one);
    const { code, status } = failure;
    return (
      isOutdated(failure) ||
      THROTTLING.test(code) ||
      UNREACHED.has(code) ||
      UNREACHED.has(systemCodeOf(one)) ||
      (status !== undefined && PASSING_STATUSES.has(status)) ||
      // A container or a function gets its role's credentials from an address beside it.
      (code === 'CredentialsProviderError' && hasRole(process.env))
    );
  });
}

/** The credentials are no good any more; new ones may be. */
export const isExpired = (error: unknown): boolean =>
  chainOf(error).some((one) => isOutdated(awsFailure(one)));

const isOutdated = (failure: AwsFailure): boolean => EXPIRED.has(failure.code) || isUnnamed(failure);

/**
 * Refused without a code: S3's answer to HEAD has no body. Of what it says with status 400, expired credentials are all that
 * can come up in the middle of the work.
 */
export const isUnnamed = ({ code, status }: AwsFailure): boolean =>
  status === 400 && /^(?:Unknown|UnknownError|BadRequest|400)$/.test(code);

/** A dependency is asked too much at once. */
export const isThrottled = (error: unknown): boolean =>
  chainOf(error).some((one) => {
    const { code, status } = awsFailure(one);
    return status === 429 || THROTTLING.test(code);
  });

function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let one = error; one instanceof Error && chain.length < DEEPEST; one = one.cause) chain.push(one);
  return chain;
}

const systemCodeOf = (error: Error): string =>
  'code' in error && typeof error.code === 'string' ? error.code : '';

const hasRole = (env: Readonly<Record<string, string | undefined>>): boolean =>
  Boolean(env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || env.AWS_CONTAINER_CREDENTIALS_FULL_URI);

/** `AccessDenied: … (HTTP status 403, after 2 attempts)` */
export function describeFailure({ code, message, status, attempts }: AwsFailure): string {
  const known = [
    ...(status === undefined ? [] : [`HTTP status ${status}`]),
    ...(attempts > 1 ? [`after ${attempts} attempts`] : []),
  ];
  const text = message === '' || message === code ? code : `${code}: ${message}`;
  return known.length > 0 ? `${text} (${known.join(', ')})` : text;
}

/** A network error's name is only 'Error'; its code tells more. */
function codeOf(error: Error): string {
  if (error.name !== 'Error') return error.name;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
