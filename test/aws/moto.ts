import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const CREDENTIALS = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' } as const;
const REGION = 'eu-central-1';

/** Ends the server when the pipe to this process closes: then no server outlives the tests, even killed ones. */
const WITH_PARENT =
  'moto_server -H 127.0.0.1 -p 0 2>&1 & server=$!; cat > /dev/null; kill $server; wait $server';

export interface Moto {
  /** By IP address, so that the S3 client puts the bucket into the path without being told to. */
  readonly endpoint: string;
  /** What makes the SDK's defaults, and those of the AWS command line, talk to this server. */
  readonly env: Readonly<Record<string, string>>;
  /** The same for a client made by hand: `new SQSClient(moto.client)`. */
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** Forgets all buckets, queues and jobs. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** Whether moto_server (`pip install 'moto[server]'`) is here. Tests over AWS's interfaces are left out without it. */
export const hasMoto = spawnSync('moto_server', ['--help'], { stdio: 'ignore' }).status === 0;

if (!hasMoto) console.warn("left out: tests over S3, SQS and Batch (pip install 'moto[server]' for them)");

/**
 * Starts AWS in a process of its own, in memory, on a free port. It ends with `stop` or with this process, whichever
 * comes first. Batch jobs succeed at once without running.
 * @throws Error when the server does not come up
 */
export async function startMoto(): Promise<Moto> {
  const server = spawn('/bin/sh', ['-c', WITH_PARENT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(server, 'exit');
  const stop = async () => {
    server.stdin.end();
    await exited;
  };
  const endpoint = await firstEndpoint(server.stdout);
  // The log goes on, a line a request, and a full pipe would stop the server.
  server.stdout.resume();
  const reset = async () => {
    await post(`${endpoint}/moto-api/reset`, undefined);
    await post(`${endpoint}/moto-api/config`, { batch: { use_docker: false } });
  };
  await reset();
  return {
    endpoint,
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    },
    client: { endpoint, region: REGION, credentials: CREDENTIALS },
    reset,
    stop,
  };
}

/** The address that the server tells in its log once it listens. */
async function firstEndpoint(log: NodeJS.ReadableStream): Promise<string> {
  const seen: string[] = [];
  const lines = createInterface({ input: log });
  for await (const line of lines) {
    seen.push(line);
    const address = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`moto_server ended before it listened:\n${seen.join('\n')}`);
}

async function post(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}
