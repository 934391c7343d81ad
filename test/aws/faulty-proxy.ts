import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { uniform } from '../engine/onnx/support/random.ts';

/** What can go wrong between a client and AWS. */
export const FAULTS = [
  /** AWS answers that it cannot (500 or 503, or `answer`) and does nothing. */
  'error',
  /** The connection breaks before AWS has the request. */
  'reset',
  /** AWS does what was asked, but its answer is lost. */
  'lost',
  /** The answer comes late. */
  'slow',
  /** The connection breaks in the middle of a download. */
  'cut',
] as const;
/** A byte of a download is wrong: only where asked for, since no client can mend it. */
export type Fault = (typeof FAULTS)[number] | 'damage';

export interface ProxiedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface FaultyProxyOptions {
  /** Where requests go, e.g. `http://127.0.0.1:5000`. */
  readonly target: string;
  /** Same seed and same order of requests: same faults. */
  readonly seed: number;
  /** Share of the requests that meet a fault, from 0 to 1. */
  readonly rate: number;
  /** Default: all of FAULTS. */
  readonly kinds?: readonly Fault[];
  /** Requests that may meet a fault. Default: all. */
  readonly only?: (request: ProxiedRequest) => boolean;
  /** What AWS answers instead of 500 or 503. */
  readonly answer?: { readonly status: number; readonly body: string };
  /** How late a slow answer is. Default 20 ms. */
  readonly slowMs?: number;
}

export interface FaultyProxy {
  readonly endpoint: string;
  /** Faults that happened so far, and requests that passed without one. */
  readonly counts: Readonly<Record<Fault | 'passed', number>>;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * An HTTP proxy that passes requests on, except that a seeded share of them meets a fault. It holds whole bodies in
 * memory: it is for tests.
 */
export async function startFaultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  const { rate, kinds = FAULTS, only = () => true, slowMs = 20 } = options;
  const random = uniform(options.seed);
  const counts = { error: 0, reset: 0, lost: 0, slow: 0, cut: 0, damage: 0, passed: 0 };

  const choose = (incoming: IncomingMessage): Fault | undefined => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    if (!only({ method, path, headers })) return undefined;
    // Both numbers are drawn for each request, so that a change of the rate moves no other fault.
    const [chance, which] = [random(), random()];
    return chance < rate ? kinds[Math.floor(which * kinds.length)] : undefined;
  };

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const fault = choose(incoming);
    const body = await collect(incoming);
    if (fault === 'error') {
      counts.error++;
      const { status, body: text } = options.answer ?? { status: random() < 0.5 ? 500 : 503, body: '' };
      outgoing.writeHead(status).end(text);
      return;
    }
    if (fault === 'reset') {
      counts.reset++;
      incoming.socket.destroy();
      return;
    }
    const answer = await forward(options.target, incoming, body);
    if (fault === 'lost') {
      counts.lost++;
      incoming.socket.destroy();
    } else if (fault === 'cut' && isDownload(incoming, answer)) {
      counts.cut++;
      outgoing.writeHead(answer.status, answer.headers);
      outgoing.write(answer.body.subarray(0, answer.body.length >> 1), () => incoming.socket.destroy());
    } else if (fault === 'slow') {
      counts.slow++;
      setTimeout(() => outgoing.writeHead(answer.status, answer.headers).end(answer.body), slowMs).unref();
    } else {
      const damaged = fault === 'damage' && isDownload(incoming, answer);
      if (damaged) answer.body[0] = (answer.body[0] ?? 0) ^ 1;
      counts[damaged ? 'damage' : 'passed']++;
      outgoing.writeHead(answer.status, answer.headers).end(answer.body);
    }
  };

  const server = createServer((incoming, outgoing) => {
    // What breaks here for another reason than a fault looks like one to the client, which is to cope with it.
    handle(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    endpoint: `http://127.0.0.1:${portOf(server.address())}`,
    counts,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function isDownload(incoming: IncomingMessage, answer: Answer): boolean {
  return incoming.method === 'GET' && answer.status < 300 && answer.body.length > 0;
}

async function forward(target: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  const { method, url, headers } = incoming;
  const { expect: _, ...sent } = headers;
  // The host stays as the client wrote it: it is signed, and addresses in answers then lead through here too.
  const onward = request(new URL(url ?? '/', target), { ...(method ? { method } : {}), headers: sent });
  const answered = once(onward, 'response');
  onward.end(body);
  const [answer]: IncomingMessage[] = await answered;
  if (!answer) throw new Error(`${target} gave no answer`);
  const { connection: _connection, ...kept } = answer.headers;
  return { status: answer.statusCode ?? 502, headers: kept, body: await collect(answer) };
}

async function collect(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece);
  return Buffer.concat(pieces);
}

function portOf(address: string | AddressInfo | null): number {
  if (typeof address === 'object' && address) return address.port;
  throw new Error('the proxy listens on no port');
}
