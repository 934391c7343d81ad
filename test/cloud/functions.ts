import { join } from 'node:path';
import { type Resolver, resourcesOf, type Template } from './intrinsics.ts';
import { type Invoked, type LambdaFunction, type LambdaHost, openLambda } from './lambda-host.ts';

export type FunctionName = 'clean' | 'features' | 'dispatch';
const NAMES: readonly FunctionName[] = ['clean', 'features', 'dispatch'];

type Templates = Readonly<Record<string, Template>>;

/** A function of the template, and the queue that it is fed from. */
export interface TemplateFunction extends LambdaFunction {
  readonly name: FunctionName;
  readonly arn: string;
  readonly roleArn: string;
  readonly source?: {
    readonly queueArn: string;
    readonly batchSize: number;
    readonly reportsBatchItemFailures: boolean;
  };
}

/** The three functions as the templates say they are deployed. @throws Error when one is missing */
export function functionsOf(templates: Templates, resolver: Resolver, zips: string): TemplateFunction[] {
  const sources = sourcesOf(templates, resolver);
  const all = resourcesOf(templates, 'AWS::Lambda::Function');
  return NAMES.map((name) => {
    const found = all.filter(({ id }) => id.toLowerCase().startsWith(name));
    if (found.length !== 1) throw new Error(`the templates have ${found.length} functions ${name}`);
    const { stack, id, properties } = found[0]!;
    const resolved = resolver.resolve(stack, properties) as Properties;
    const arn = String(resolver.resolve(stack, { 'Fn::GetAtt': [id, 'Arn'] }));
    const source = sources.get(arn) ?? sources.get(String(resolver.resolve(stack, { Ref: id })));
    return {
      name,
      arn,
      roleArn: resolved.Role,
      handler: resolved.Handler,
      zip: join(zips, `${name}.zip`),
      environment: resolved.Environment?.Variables ?? {},
      timeoutSeconds: Number(resolved.Timeout ?? 3),
      memoryMiB: Number(resolved.MemorySize ?? 128),
      ...(source ? { source } : {}),
    };
  });
}

interface Properties {
  readonly Role: string;
  readonly Handler: string;
  readonly Environment?: { readonly Variables: Record<string, string> };
  readonly Timeout?: unknown;
  readonly MemorySize?: unknown;
}

function sourcesOf(
  templates: Templates,
  resolver: Resolver,
): Map<string, TemplateFunction['source'] & object> {
  return new Map(
    resourcesOf(templates, 'AWS::Lambda::EventSourceMapping').map(({ stack, properties }) => {
      const { FunctionName, EventSourceArn, BatchSize, FunctionResponseTypes } = resolver.resolve(
        stack,
        properties,
      ) as Record<string, unknown>;
      const reports =
        Array.isArray(FunctionResponseTypes) && FunctionResponseTypes.includes('ReportBatchItemFailures');
      const source = {
        queueArn: String(EventSourceArn),
        batchSize: Number(BatchSize ?? 10),
        reportsBatchItemFailures: reports,
      };
      return [String(FunctionName), source];
    }),
  );
}

/** Execution environments of one function: as many events at once as there are environments. */
export interface FunctionPool {
  readonly hosts: readonly LambdaHost[];
  invoke(event: unknown): Promise<Invoked>;
  close(): Promise<void>;
}

/** @param environment what an execution environment gets from its host, by its access key id */
export async function openPool(args: {
  function: TemplateFunction;
  environments: number;
  root: string;
  environment: (caller: string) => Readonly<Record<string, string>>;
}): Promise<FunctionPool> {
  const { name } = args.function;
  const hosts: LambdaHost[] = [];
  for (let i = 1; i <= args.environments; i++) {
    hosts.push(
      await openLambda({
        function: args.function,
        root: args.root,
        environment: args.environment(`${name}.${i}`),
      }),
    );
  }
  const busy = new Map(hosts.map((host) => [host, 0]));
  return {
    hosts,
    async invoke(event) {
      const host = [...hosts].sort((a, b) => busy.get(a)! - busy.get(b)!)[0]!;
      busy.set(host, busy.get(host)! + 1);
      try {
        return await host.invoke(event);
      } finally {
        busy.set(host, busy.get(host)! - 1);
      }
    },
    async close() {
      for (const host of hosts) await host.close();
    },
  };
}
