import { randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { S3Client } from '@aws-sdk/client-s3';
import { openClient } from './clients.ts';
import type { Environment } from './environment.ts';
import { awsFailure } from './failure.ts';

/** Milliseconds after which a segment is given up: work waits no longer for what only tells of it. */
const PATIENCE_MS = 2_000;
/** Causes of an error that are told. */
const MOST_CAUSES = 4;

/** What is to be seen of a segment, and found by. Never ids of users, names of files, or texts of errors, which may hold them. */
export type Annotations = Readonly<Record<string, string | number | boolean>>;

/** A part of a trace: one drop in one function, one call of dispatch, one job. */
export interface Segment {
  /** As `nightTrace` and `runTrace` make them. */
  readonly traceId: string;
  /** `clean`, `features`, `dispatch`, or the job. */
  readonly stage: string;
  /** 16 hex digits. Default: random, so that every attempt is seen. */
  readonly id?: string;
  /** The segment that it stands below. */
  readonly parent?: string;
  readonly annotations: Annotations;
}

/**
 * Tells more about a segment while it lasts.
 * @param refused it ends as it should, but what it was given was not good
 */
export type Note = (annotations: Annotations, refused?: boolean) => void;

export interface Traces {
  /** Part of every segment's name and of every trace's id. */
  readonly environment: string;
  /**
   * Does work as a segment. An error of the work is a fault of the segment, and goes on.
   * @param open true: the segment is to be seen while it lasts, and remains where the process is killed
   */
  during<T>(segment: Segment, work: (note: Note) => Promise<T>, open?: boolean): Promise<T>;
  /** Tells of a segment that is over. @param error what it was ended by, if it was */
  tell(segment: Segment, began: Date, error?: unknown): Promise<void>;
}

/**
 * Sends segments to X-Ray where NIGHTJAR_TRACES is 1. What cannot be sent is lost after two seconds and is one warning:
 * tracing neither fails nor holds up the work.
 * @param warn gets a sentence
 * @returns undefined where nothing is to be traced
 */
export function openTraces(env: Environment, warn: (sentence: string) => void): Traces | undefined {
  if (env.NIGHTJAR_TRACES !== '1') return undefined;
  const environment = env.NIGHTJAR_ENVIRONMENT ?? 'prod';
  const put = openXRay(env);
  const send = async (document: SegmentDocument) => {
    await put(document).catch((error: unknown) => {
      const { code, message } = awsFailure(error);
      warn(`a segment of trace ${document.trace_id} did not reach X-Ray: ${code}: ${message}`);
    });
  };
  const started = ({ traceId, stage, id, parent, annotations }: Segment, began: Date) => ({
    name: `nightjar-${environment}-${stage}`,
    id: id ?? randomId(),
    trace_id: traceId,
    ...(parent === undefined ? {} : { parent_id: parent }),
    start_time: began.getTime() / 1000,
    annotations: { environment, stage, ...annotations },
  });
  return {
    environment,
    async during(segment, work, open = false) {
      const document = started(segment, new Date());
      // Awaited: work that keeps the process busy would leave no time to read the answer.
      if (open) await send({ ...document, in_progress: true });
      let { annotations } = document;
      let error = false;
      const note: Note = (more, refused = false) => {
        annotations = { ...annotations, ...more };
        error ||= refused;
      };
      const end = (fault: object) =>
        send({
          ...document,
          end_time: Date.now() / 1000,
          annotations,
          ...(error ? { error } : {}),
          ...fault,
        });
      try {
        const result = await work(note);
        await end({});
        return result;
      } catch (thrown) {
        await end(faultOf(thrown));
        throw thrown;
      }
    },
    async tell(segment, began, thrown) {
      const fault = thrown === undefined ? {} : faultOf(thrown);
      await send({ ...started(segment, began), end_time: Date.now() / 1000, ...fault });
    },
  };
}

/** The fields of a segment document that are used here (AWS X-Ray Developer Guide, "Segment documents"). */
type SegmentDocument = {
  readonly name: string;
  readonly id: string;
  readonly trace_id: string;
  readonly parent_id?: string;
  /** Seconds since 1970, with a fraction. */
  readonly start_time: number;
  readonly annotations: Annotations;
} & ({ readonly end_time: number } | { readonly in_progress: true });

/** The kind of an error and of its causes. What it says may name files and values: that is in the log alone. */
function faultOf(thrown: unknown): object {
  const types: string[] = [];
  for (let one = thrown; one instanceof Error && types.length < MOST_CAUSES; one = one.cause) {
    types.push(awsFailure(one).code);
  }
  const ids = types.map(randomId);
  const exceptions = types.map((type, i) => ({
    id: ids[i],
    type,
    ...(ids[i + 1] === undefined ? {} : { cause: ids[i + 1] }),
  }));
  return { fault: true, ...(exceptions.length > 0 ? { cause: { exceptions } } : {}) };
}

const randomId = (): string => randomBytes(8).toString('hex');

/**
 * X-Ray's PutTraceSegments. The SDK's package for it would be one more for a single call, so credentials, region and signature
 * are those of a client that is there already.
 */
function openXRay(env: Environment): (document: SegmentDocument) => Promise<void> {
  let client: S3Client | undefined;
  return async (document) => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    client ??= openClient((settings) => new S3Client(settings), 0);
    const body = JSON.stringify({ TraceSegmentDocuments: [JSON.stringify(document)] });
    const { status, answer } = await within(
      signal,
      signed(client, env, body).then((request) => post(request, signal)),
    );
    if (status !== 200) throw new Error(`HTTP ${status} ${answer.slice(0, 200)}`);
    const { UnprocessedTraceSegments: [refused] = [] }: Answer = JSON.parse(answer);
    if (refused) throw new Error(`${refused.ErrorCode}: ${refused.Message}`);
  };
}

interface Answer {
  readonly UnprocessedTraceSegments?: readonly { readonly ErrorCode?: string; readonly Message?: string }[];
}

interface SignedRequest {
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body: string;
}

async function signed({ config }: S3Client, env: Environment, body: string): Promise<SignedRequest> {
  const region = await config.region();
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = new URL('/TraceSegments', env.AWS_ENDPOINT_URL ?? `https://xray.${region}.${domain}`);
  const signer = await config.signer({
    name: 'sigv4',
    signingName: 'xray',
    signingRegion: region,
    properties: {},
  });
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: {},
    headers: { host: url.host, 'content-type': 'application/json' },
    body,
  });
  return { url, headers, body };
}

/** By a connection of its own: one that was kept while a function was frozen may be dead, and there is one try. */
function post(
  { url, headers, body }: SignedRequest,
  signal: AbortSignal,
): Promise<{ status: number | undefined; answer: string }> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((done, fail) => {
    request(url, { method: 'POST', headers, signal, agent: false }, (response) => {
      text(response).then((answer) => done({ status: response.statusCode, answer }), fail);
    })
      .once('error', fail)
      .end(body);
  });
}

/** @throws the signal's reason once it fires */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, fail) => signal.addEventListener('abort', () => fail(signal.reason))),
  ]);
}
