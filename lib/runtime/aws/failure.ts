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
