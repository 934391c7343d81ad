import type { IncomingMessage } from 'node:http';

/** One request of the AWS protocols, named as the service's own documentation names it. */
export interface AwsCall {
  /** Who asks: the harness gives each process an access key id of its own, `<role>.<number>`. */
  readonly role: string;
  /** The whole access key id. */
  readonly caller: string;
  /** Signing name: s3, sqs, batch, secretsmanager, lambda, … */
  readonly service: string;
  /** PutObject, ReceiveMessage, SubmitJob, … */
  readonly operation: string;
  /** S3 only. */
  readonly bucket?: string;
  /** S3 only: the object's key, or the prefix of a listing. */
  readonly key?: string;
}

/** Reads what a signed request asks for, from its signature's scope, its path and its target header. */
export function nameCall(request: IncomingMessage): AwsCall {
  const { caller, service } = credential(request);
  const role = caller.split('.')[0]!;
  const url = new URL(request.url ?? '/', 'http://gateway');
  if (service === 's3') return { role, caller, service, ...s3Call(request, url) };
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') return { role, caller, service, operation: target.split('.').at(-1)! };
  if (service === 'batch') return { role, caller, service, operation: batchOperation(url.pathname) };
  if (service === 'lambda' && url.pathname.endsWith('/invocations')) {
    return { role, caller, service, operation: 'Invoke' };
  }
  if (service === 'xray' && url.pathname === '/TraceSegments') {
    return { role, caller, service, operation: 'PutTraceSegments' };
  }
  return { role, caller, service, operation: `${request.method} ${url.pathname}` };
}

/** `Credential=<access key id>/<day>/<region>/<service>/aws4_request` */
function credential(request: IncomingMessage): { caller: string; service: string } {
  const [caller = 'nobody', , , service = 'unknown'] =
    /Credential=([^,\s]+)/.exec(request.headers.authorization ?? '')?.[1]?.split('/') ?? [];
  return { caller, service };
}

const BATCH = ['SubmitJob', 'DescribeJobs', 'ListJobs', 'TerminateJob', 'CancelJob'] as const;

const batchOperation = (path: string): string =>
  BATCH.find((name) => path === `/v1/${name.toLowerCase()}`) ?? path;

function s3Call(request: IncomingMessage, url: URL): Pick<AwsCall, 'operation' | 'bucket' | 'key'> {
  const [, bucket = '', ...rest] = url.pathname.split('/');
  const key = rest.map(decodeURIComponent).join('/');
  const query = url.searchParams;
  if (key === '') {
    if (request.method === 'GET' && query.has('list-type')) {
      return { operation: 'ListObjectsV2', bucket, key: query.get('prefix') ?? '' };
    }
    return { operation: query.has('delete') ? 'DeleteObjects' : `${request.method}Bucket`, bucket };
  }
  return { operation: objectOperation(request, query), bucket, key };
}

function objectOperation(request: IncomingMessage, query: URLSearchParams): string {
  switch (request.method) {
    case 'GET':
      return 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      if (query.has('partNumber')) return 'UploadPart';
      return request.headers['x-amz-copy-source'] ? 'CopyObject' : 'PutObject';
    case 'POST':
      return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
    case 'DELETE':
      return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
    default:
      return `${request.method}Object`;
  }
}
