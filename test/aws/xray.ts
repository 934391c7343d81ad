import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a segment document holds, as X-Ray's developer guide names it. */
export interface SegmentDocument {
  readonly name: string;
  readonly id: string;
  readonly trace_id: string;
  readonly parent_id?: string;
  readonly start_time: number;
  readonly end_time?: number;
  readonly in_progress?: boolean;
  readonly annotations: Readonly<Record<string, string | number | boolean>>;
  readonly error?: boolean;
  readonly fault?: boolean;
  readonly cause?: { readonly exceptions: readonly { readonly type: string; readonly cause?: string }[] };
}

const SECRET = 'secret';

export interface XRay {
  readonly env: Readonly<Record<string, string>>;
  /** In the order in which they came. */
  readonly documents: readonly SegmentDocument[];
  /** What is answered from now on; 0: nothing at all. */
  answer(status: number, body?: object): void;
  close(): void;
}

/** A server of PutTraceSegments that takes correctly signed requests alone. Variables of its clients are put in place. */
export async function startXRay(): Promise<XRay> {
  const documents: SegmentDocument[] = [];
  let status = 200;
  let reply: object = { UnprocessedTraceSegments: [] };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    if (status === 0) return;
    if (request.url !== '/TraceSegments' || !isSigned(request, body)) {
      response.writeHead(403).end('{}');
      return;
    }
    const { TraceSegmentDocuments: texts }: { TraceSegmentDocuments: string[] } = JSON.parse(body);
    if (status === 200) documents.push(...texts.map((text) => JSON.parse(text)));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const env = {
    NIGHTJAR_TRACES: '1',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: SECRET,
  };
  const before = { ...process.env };
  Object.assign(process.env, env);
  return {
    env,
    documents,
    answer(next, body = { UnprocessedTraceSegments: [] }) {
      status = next;
      reply = body;
    },
    close() {
      for (const name of Object.keys(env)) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The segments that the protocol server keeps of traces, in the order of their beginnings (BatchGetTraces). */
export async function segmentsOf(endpoint: string, traceIds: readonly string[]): Promise<SegmentDocument[]> {
  const response = await fetch(`${endpoint}/Traces`, {
    method: 'POST',
    // As whoever may do everything: the gateway of test/cloud asks who it is, the server itself does not.
    headers: {
      authorization: 'AWS4-HMAC-SHA256 Credential=operator.1/20260702/eu-central-1/xray/aws4_request',
    },
    body: JSON.stringify({ TraceIds: traceIds }),
  });
  const { Traces }: { Traces: { Segments: { Document: string }[] }[] } = JSON.parse(await response.text());
  return Traces.flatMap(({ Segments }) => Segments.map(({ Document }) => JSON.parse(Document)));
}

/** Signature version 4, computed anew from what arrived (AWS, "Create a signed AWS API request"). */
function isSigned({ headers, method, url }: IncomingMessage, body: string): boolean {
  const { authorization = '', 'x-amz-date': time = '' } = headers;
  const [, scope = '', names = '', signature] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]+)/.exec(authorization) ?? [];
  if (!scope.endsWith('/eu-central-1/xray/aws4_request') || !names.split(';').includes('host')) return false;
  const canonical = [
    method,
    url,
    '',
    ...names.split(';').map((name) => `${name}:${headers[name]}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const key = scope.split('/').reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${SECRET}`);
  const signed = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  return hmac(key, signed).toString('hex') === signature;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
