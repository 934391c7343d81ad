import { StoreError } from '../errors.ts';
import { type AwsFailure, awsFailure, describeFailure, isUnclear, isUnnamed } from './failure.ts';

export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
}

const DENIED =
  "the role may not: allow it this action on this prefix, and the use of the bucket's KMS key " +
  '(without s3:ListBucket even a missing object is denied)';

/** What to do about AWS's codes, for whoever works with the store. */
const ADVICE: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket: check the NIGHTJAR_*_BUCKET variables and the region',
  PermanentRedirect: 'the bucket is in another region: set AWS_REGION to that of the bucket',
  InvalidObjectState: 'the object is in an archive tier: restore it, and use instant-retrieval classes only',
  SlowDown: 'S3 is being asked too much at once: try again later',
  ServiceUnavailable: 'S3 is being asked too much at once: try again later',
  ConditionalRequestConflict: 'another writer was at the same key at the same moment: try again',
  OperationAborted: 'another writer was at the same key at the same moment: try again',
  RequestTimeTooSkewed: "this machine's clock is wrong: set it",
  EntityTooLarge: 'the object is larger than S3 takes: split it',
  CredentialsProviderError:
    'there are no AWS credentials: run with a role, or set AWS_PROFILE or the key variables',
  ExpiredToken: 'the credentials have expired: sign in again',
  ExpiredTokenException: 'the credentials have expired: sign in again',
  InvalidAccessKeyId: 'the credentials are not known to AWS: check AWS_ACCESS_KEY_ID and AWS_PROFILE',
  SignatureDoesNotMatch: 'the credentials are wrong: check AWS_SECRET_ACCESS_KEY and AWS_PROFILE',
};

/** What `action` gives. Where S3 fails, the error says what it means for the object. */
export async function explained<T>(place: ObjectPlace, doing: string, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    throw storeError(place, doing, error);
  }
}

/** @param doing what was tried: `read`, `written` */
export function storeError({ bucket, key }: ObjectPlace, doing: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const failure = awsFailure(error);
  const what = `${key === '' ? 'its objects' : key} in bucket ${bucket}`;
  return new StoreError(`${what} cannot be ${doing}: ${describeFailure(failure)}; ${adviceOn(failure)}`, {
    cause: error,
  });
}

function adviceOn(failure: AwsFailure): string {
  const advice = ADVICE[failure.code];
  if (advice !== undefined) return advice;
  if (failure.status === 403) return DENIED;
  if (isUnnamed(failure))
    return 'the credentials have expired (sign in again), or the region is not that of the bucket';
  if (failure.code.startsWith('KMS')) return "look at the state and the policy of the bucket's KMS key";
  return isUnclear(failure)
    ? 'check the network and try again'
    : "look AWS's code up in its list of S3 errors";
}

/** Nothing stands under the key. (A bucket that is missing is told apart by its own code, except by HEAD.) */
export function isMissing(error: unknown): boolean {
  const { code, status } = awsFailure(error);
  return status === 404 && code !== 'NoSuchBucket' && code !== 'NoSuchUpload';
}

/** The condition of the request does not hold. If-Match on a missing object is answered by 404. */
export function isRefused(error: unknown): boolean {
  return awsFailure(error).status === 412 || isMissing(error);
}

/** Another request at the same moment won, and this one has to be sent again to know whether its condition holds. */
export function isConflict(error: unknown): boolean {
  return awsFailure(error).status === 409;
}

/** S3 wants and gives etags in quotes; Nightjar's have none. */
export function quoted(etag: string): string {
  return `"${etag}"`;
}

/** @throws StoreError where the answer has none */
export function unquoted(place: ObjectPlace, etag: string | undefined): string {
  if (!etag) throw new StoreError(`the answer on ${place.key} in bucket ${place.bucket} has no etag`);
  return etag.replace(/^"(.*)"$/, '$1');
}
