import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { createRng } from '../../lib/engine/host/index.ts';
import type { TickKind, TickResult } from '../../lib/run/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { type Moto, startMoto } from '../aws/moto.ts';
import { opaqueEtags } from '../aws/opaque-etags.ts';
import type { AwsCall } from './aws-call.ts';
import { type BatchExecutor, type Disturbance, openBatchExecutor } from './batch-executor.ts';
import { type EventSource, type HiddenMessages, openEventSource } from './event-source.ts';
import { faultPlan } from './fault-plan.ts';
import {
  type FunctionName,
  type FunctionPool,
  functionsOf,
  openPool,
  type TemplateFunction,
} from './functions.ts';
import { type Fault, type Gateway, openGateway, type Route } from './gateway.ts';
import type { Template } from './intrinsics.ts';
import { type QueueUrls, queuesOf, scheduled, storeOf } from './outputs.ts';
import { isAllowed, policiesOf, type Statement, wishesOf } from './policies.ts';
import { type Provisioned, provision } from './provision.ts';
import { KEY } from './retail.ts';
import { type Refuse, routes } from './routes.ts';

export interface WorldOptions {
  readonly templates: Readonly<Record<string, Template>>;
  /** Folder of the functions' zips. */
  readonly functions: string;
  /** Folder that holds what the images would hold, its packages installed. */
  readonly image: string;
  /** An empty folder for everything that runs. */
  readonly root: string;
  readonly seed: string;
  /** Share of the calls of S3, SQS and Batch that go wrong. */
  readonly faults?: number;
  /** Every message is delivered twice, in any order. */
  readonly shuffle?: boolean;
  /** Execution environments of each function. */
  readonly environments?: number;
  /** Attempts of batch jobs at once. */
  readonly jobs?: number;
  /** What goes wrong with a call, beside `faults`. */
  readonly fault?: (call: AwsCall) => Fault | undefined;
  /** How far the clock of S3 and of all other services is ahead of that of functions and jobs, in milliseconds. */
  readonly skewMs?: number;
  /** Messages that failed stay hidden as long as SQS hides them, by the clock of `ingest`. */
  readonly delays?: boolean;
  /** Variables of every function and job, in place of those that the templates set. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Told of every call of what is under test, before it is answered. */
  readonly watch?: (call: AwsCall, status: number, world: World) => 'answer' | 'drop';
}

/** The whole system in one account that is not there: protocol server, functions, poller and jobs. */
export interface World {
  /** All three buckets, as the operator sees them: nothing goes wrong there. */
  readonly store: ObjectStore;
  readonly gateway: Gateway;
  readonly batch: BatchExecutor;
  readonly functions: Readonly<Record<FunctionName, FunctionPool>>;
  readonly sqs: SQSClient;
  /** Addresses of the queues past the gateway: those of new drops and of new events, and where their messages die. */
  readonly queues: QueueUrls;
  /** What roles were refused: empty where every role has what it needs. */
  readonly refused: readonly string[];
  /** Delivers all messages, of both queues. `time`: for `delays`; without it no time has passed. */
  ingest(time?: Date): Promise<void>;
  /** One call of dispatch as its schedule makes it; undefined when it was killed or failed. */
  tick(time: Date, kind?: TickKind): Promise<TickResult | undefined>;
  /** Kills a function's process or a job's attempt by its access key id. */
  kill(caller: string, how: Disturbance): void;
  /** What a person's commands find the account by. */
  readonly environment: Readonly<Record<string, string>>;
  /** Everything worth reading when a test fails. */
  story(): string;
  close(): Promise<void>;
}

/** Stands the system up as the templates say. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const moto = await startMoto();
  const refused: string[] = [];
  const failures: string[] = [];
  const late: { route?: Route; refuse?: (call: AwsCall, body: Buffer) => string | undefined } = {};
  const { watch } = options;
  const planned =
    options.faults === undefined
      ? undefined
      : faultPlan({ seed: options.seed, share: options.faults, services: ['s3', 'sqs', 'batch'] });
  const asked = new Map<string, number>();
  let now = 0;
  const hidden = options.delays ? { now: () => now, asked } : undefined;
  const gateway = await openGateway({
    upstream: moto.endpoint,
    route: (call, request, forward) => {
      if (call.operation === 'ChangeMessageVisibility') {
        const { ReceiptHandle, VisibilityTimeout } = JSON.parse(request.body.toString());
        asked.set(ReceiptHandle, VisibilityTimeout);
      }
      return late.route?.(call, request, forward);
    },
    etags: opaqueEtags(),
    refuse: (call, body) => late.refuse?.(call, body),
    fault: (call) => (call.role === OPERATOR ? undefined : (options.fault?.(call) ?? planned?.(call))),
    skewMs: options.skewMs ?? 0,
    done: (call, status) => (call.role === OPERATOR ? undefined : watch?.(call, status, world)) ?? 'answer',
  });
  const secret = Buffer.from(KEY).toString('hex');
  const made = await provision({ moto, templates: options.templates, gateway: gateway.url, secret });
  const environment = (caller: string) => ({
    AWS_ENDPOINT_URL: gateway.url,
    AWS_REGION: made.where.region,
    AWS_DEFAULT_REGION: made.where.region,
    AWS_ACCESS_KEY_ID: caller,
    AWS_SECRET_ACCESS_KEY: 'secret',
    ...options.variables,
  });
  const batch = openBatchExecutor({
    // What a test sets holds, whatever the template says.
    definitions: made.definitions.map((definition) => ({
      ...definition,
      environment: { ...definition.environment, ...options.variables },
    })),
    image: options.image,
    root: options.root,
    environment,
    roleOf: jobRole,
    maxConcurrent: options.jobs ?? 1,
    graceMs: 10_000,
  });
  const operator = {
    ...moto.client,
    endpoint: gateway.url,
    credentials: { accessKeyId: `${OPERATOR}.1`, secretAccessKey: 'secret' },
  };
  const described = functionsOf(options.templates, made.resolver, options.functions);
  const pools = await openPools(described, options, environment);
  const sqs = new SQSClient(moto.client);
  const sources = openSources(described, pools, options, moto, sqs, hidden);
  const refuse: Refuse = (call, why) => {
    refused.push(`${why} (${call.operation} ${call.key ?? ''})`);
    return why;
  };
  const roles = rolesOf(options, made, described);
  late.refuse = (call, body) => {
    if (call.role === OPERATOR) return undefined;
    const statements = roles.get(call.role) ?? [];
    const wish = wishesOf(call, body, made.where).find((one) => !isAllowed(statements, one));
    return wish && refuse(call, `${call.role} may not ${wish.action} ${wish.resource}`);
  };
  late.route = routes({ batch, definitions: made.definitions, described, pools, roles, refuse });

  const world: World = {
    store: storeOf(new S3Client(operator), made, options.templates),
    gateway,
    batch,
    functions: pools,
    sqs,
    queues: queuesOf(moto, made, options.templates),
    refused,
    environment: environment(`${OPERATOR}.1`),
    async ingest(time) {
      now = time?.getTime() ?? now;
      // What is cleaned late sends messages of its own.
      for (let delivered = 1; delivered > 0; ) {
        delivered = 0;
        for (const drain of sources) delivered += await drain();
      }
    },
    async tick(time, kind = 'tick') {
      const invoked = await pools.dispatch.invoke(scheduled(options.templates, made, kind, time));
      if (invoked.ok) return invoked.result as TickResult;
      failures.push(invoked.error);
      return undefined;
    },
    kill(caller, how) {
      const [role, number] = caller.split('.');
      const pool = described.find(({ name }) => name === role);
      if (pool) pools[pool.name].hosts[Number(number) - 1]?.kill();
      else batch.disturb(caller, how);
    },
    story: () => story(pools, batch, options.root, [...refused, ...failures]),
    async close() {
      await batch.close();
      for (const pool of Object.values(pools)) await pool.close();
      await gateway.close();
      await moto.stop();
    },
  };
  return world;
}

/** Who gives the commands of a deployment: a person who may do everything. */
export const OPERATOR = 'operator';

/** The job of a large drop acts as another role than the function. */
const jobRole = (program: string): string => (program === 'clean' ? 'cleanJob' : program);

async function openPools(
  described: readonly TemplateFunction[],
  { environments = 1, root }: WorldOptions,
  environment: (caller: string) => Readonly<Record<string, string>>,
): Promise<Record<FunctionName, FunctionPool>> {
  const pools: Partial<Record<FunctionName, FunctionPool>> = {};
  for (const one of described) {
    pools[one.name] = await openPool({ function: one, environments, root, environment });
  }
  const { clean, features, dispatch } = pools;
  return { clean: clean!, features: features!, dispatch: dispatch! };
}

function openSources(
  described: readonly TemplateFunction[],
  pools: Record<FunctionName, FunctionPool>,
  { environments = 1, shuffle, seed }: WorldOptions,
  moto: Moto,
  client: SQSClient,
  hidden: HiddenMessages | undefined,
): EventSource[] {
  return described.flatMap(({ name, source }) => {
    if (!source) return [];
    return openEventSource({
      client,
      ...source,
      queueUrl: `${moto.endpoint}/${source.queueArn.split(':').slice(-2).join('/')}`,
      invoke: (event) => pools[name].invoke(event),
      concurrency: environments,
      ...(hidden ? { hidden } : {}),
      ...(shuffle ? { shuffle: createRng(`deliveries ${seed} ${name}`) } : {}),
    });
  });
}

/** What each role may do, by the name that its processes carry in their access key ids. */
function rolesOf(
  { templates }: WorldOptions,
  { resolver, definitions }: Provisioned,
  described: readonly TemplateFunction[],
): Map<string, Statement[]> {
  const policies = policiesOf(templates, resolver);
  return new Map([
    ...described.map(({ name, roleArn }): [string, Statement[]] => [name, policies.get(roleArn) ?? []]),
    ...definitions.map(({ program, jobRoleArn }): [string, Statement[]] => [
      jobRole(program),
      policies.get(jobRoleArn) ?? [],
    ]),
  ]);
}

/** The last lines of everything that runs, for the message of a test that fails. */
function story(
  pools: Record<FunctionName, FunctionPool>,
  { started, jobs }: BatchExecutor,
  root: string,
  wrong: readonly string[],
): string {
  const logs = readdirSync(root).filter((name) => name.endsWith('.log'));
  return [
    ...[...new Set(wrong)].map((why) => `--- ${why}`),
    ...Object.entries(pools).flatMap(([name, { hosts }]) =>
      hosts.map((host) => `--- function ${name}\n${tail(host.output())}`),
    ),
    `--- attempts ${JSON.stringify(started)}`,
    `--- jobs ${JSON.stringify(jobs.map(({ request, tasks }) => [request.jobName, tasks]))}`,
    ...logs.map((name) => `--- ${name}\n${tail(readFileSync(join(root, name), 'utf8'))}`),
  ].join('\n');
}

const tail = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .slice(-8)
    .map((line) => line.slice(0, 300))
    .join('\n');
