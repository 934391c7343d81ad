import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { OtherEtags } from '../aws/opaque-etags.ts';
import { type AwsCall, nameCall } from './aws-call.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * What goes wrong with one call: `500`, `503` and `expired` (credentials) are said instead of doing it; `reset` closes the connection before
 * anything is done; `lost` does it and closes the connection instead of answering; `cut` breaks the answer off in the
 * middle; `slow` answers after a while.
 */
export type Fault = '500' | '503' | 'expired' | 'reset' | 'lost' | 'cut' | 'slow';

/** How a service's requests are answered by the harness itself. Undefined: the protocol server answers alone. */
export type Route = (
  call: AwsCall,
  request: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer },
  /** Asks the protocol server, with another body where it does not understand the one it was sent. */
  forward: (body?: Buffer) => Promise<Answer>,
) => Promise<Answer> | undefined;

export interface GatewayOptions {
  /** Address of the protocol server. */
  readonly upstream: string;
  readonly route?: Route;
  /** Shown in place of the protocol server's own. */
  readonly etags?: OtherEtags;
  readonly fault?: (call: AwsCall) => Fault | undefined;
  /** How far the clock of all services is ahead of those who call them, in milliseconds. */
  readonly skewMs?: number;
  /** Refuses what a role may not do, with the reason. */
  readonly refuse?: (call: AwsCall, body: Buffer) => string | undefined;
  /** Told of each call that was done, before it is answered; 'drop' closes the connection instead of answering. */
  readonly done?: (call: AwsCall, status: number) => 'answer' | 'drop';
}

export interface Gateway {
  readonly url: string;
  /** Calls so far, by 'role service operation'. */
  readonly counts: ReadonlyMap<string, number>;
  /** What went wrong so far, by kind. */
  readonly faults: ReadonlyMap<Fault, number>;
  close(): Promise<void>;
}

const SLOW_MS = 400;

/** An HTTP server before the protocol server: everything under test speaks to it, and it sees, breaks and counts all calls. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const counts = new Map<string, number>();
  const faults = new Map<Fault, number>();
  const writes = new Map<string, Promise<unknown>>();
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = nameCall(request);
    const name = `${call.role} ${call.service} ${call.operation}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    const body = await collect(request);
    const refused = options.refuse?.(call, body);
    if (refused !== undefined) return send(request, response, denied(call, refused));
    const fault = options.fault?.(call);
    if (fault) faults.set(fault, (faults.get(fault) ?? 0) + 1);
    if (fault === 'reset') return void response.destroy();
    if (fault === '500' || fault === '503') return send(request, response, unavailable(call, fault));
    if (fault === 'expired') return send(request, response, expired(call));
    const { url: path = '/', headers } = request;
    const forward = async (other = body) => {
      const asked = options.etags?.asked(call, headers) ?? headers;
      const passed = await passOn(options.upstream, request, asked, other);
      return options.etags?.answered(call, passed) ?? passed;
    };
    const given = await oneAtATime(writes, call, request, async () => {
      return (await options.route?.(call, { path, headers, body }, forward)) ?? (await forward());
    });
    const result = skewed(given, options.skewMs ?? 0);
    const after = options.done?.(call, result.status) ?? 'answer';
    if (fault === 'lost' || after === 'drop') return void response.destroy();
    if (fault === 'slow') await delay(SLOW_MS);
    send(request, response, result, fault === 'cut' ? Math.floor(result.body.length / 2) : undefined);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    counts,
    faults,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** S3 orders the conditional writes of one key; the protocol server's threads would race between check and write. */
async function oneAtATime<T>(
  writes: Map<string, Promise<unknown>>,
  call: AwsCall,
  request: IncomingMessage,
  work: () => Promise<T>,
): Promise<T> {
  if (call.service !== 's3' || (request.method !== 'PUT' && request.method !== 'POST')) return work();
  const path = request.url!.split('?')[0]!;
  const before = writes.get(path) ?? Promise.resolve();
  const mine = before.then(work, work);
  writes.set(path, mine);
  try {
    return await mine;
  } finally {
    if (writes.get(path) === mine) writes.delete(path);
  }
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

async function passOn(
  upstream: string,
  request: IncomingMessage,
  asked: IncomingHttpHeaders,
  body: Buffer,
): Promise<Answer> {
  const { host: _, connection: __, expect: ___, 'transfer-encoding': ____, ...headers } = asked;
  const { hostname, port } = new URL(upstream);
  const outgoing = httpRequest({
    hostname,
    port,
    method: request.method,
    path: request.url,
    headers: { ...headers, 'content-length': body.length },
    agent: false,
  });
  outgoing.end(body);
  const [incoming]: [IncomingMessage] = (await once(outgoing, 'response')) as [IncomingMessage];
  return {
    status: incoming.statusCode!,
    headers: incoming.headers,
    body: await collect(incoming),
  };
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer, cutAt?: number): void {
  const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...headers } = answer.headers;
  const sized = request.method === 'HEAD' || answer.status === 204 || answer.status === 304;
  response.writeHead(
    answer.status,
    sized ? headers : { ...headers, 'content-length': String(answer.body.length) },
  );
  if (cutAt !== undefined && cutAt > 0) {
    response.write(answer.body.subarray(0, cutAt), () => response.destroy());
  } else {
    response.end(answer.body);
  }
}

/** An answer whose body is JSON. */
export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(JSON.stringify(body)),
});

const unavailable = (call: AwsCall, status: '500' | '503'): Answer =>
  failure(call, Number(status), status === '500' ? 'InternalError' : 'SlowDown', 'a fault was put in here');

const expired = (call: AwsCall): Answer =>
  call.service === 's3'
    ? failure(call, 400, 'ExpiredToken', 'The provided token has expired.')
    : failure(call, 403, 'ExpiredTokenException', 'The security token included in the request is expired');

/** An answer as another clock would have it: the time of the answer, and when objects were written. */
function skewed(answer: Answer, skewMs: number): Answer {
  if (skewMs === 0) return answer;
  const moved = (text: string) => new Date(Date.parse(text) + skewMs);
  const { date, 'last-modified': lastModified, ...headers } = answer.headers;
  const isXml = headers['content-type']?.includes('xml') ?? false;
  const listed = (xml: string) =>
    xml.replace(/(<LastModified>)([^<]+)/g, (_, tag, text) => `${tag}${moved(text).toISOString()}`);
  return {
    ...answer,
    headers: {
      ...headers,
      date: moved(date ?? new Date().toUTCString()).toUTCString(),
      ...(lastModified === undefined ? {} : { 'last-modified': moved(lastModified).toUTCString() }),
    },
    body: isXml ? Buffer.from(listed(answer.body.toString())) : answer.body,
  };
}

export const denied = (call: AwsCall, reason: string): Answer => failure(call, 403, 'AccessDenied', reason);

/** An error in the form of the service that was asked: XML of S3, JSON of all others. */
function failure(call: AwsCall, status: number, code: string, message: string): Answer {
  if (call.service !== 's3') return json(status, { __type: code, message }, { 'x-amzn-errortype': code });
  const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(xml) };
}
