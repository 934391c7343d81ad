/** A synthesised template, as far as the harness reads it. */
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { Value: unknown; Export?: { Name: unknown } }>>;
  readonly Parameters?: Readonly<Record<string, { Type: string; Default?: unknown }>>;
}

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/** What a created resource answers to Ref and Fn::GetAtt. */
export interface Physical {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Region {
  readonly account: string;
  readonly region: string;
}

/** Follows the references of all stacks to the resources that were created for them. */
export interface Resolver {
  /** Names the resource that stands for a logical id from here on. */
  created(stack: string, logicalId: string, physical: Physical): void;
  resolve(stack: string, value: unknown): unknown;
  /** The value of a stack's output. */
  output(stack: string, name: string): string;
}

/**
 * Resolves the intrinsic functions that CDK writes. What was not created (a role, a key) answers with a name of its own,
 * so that a wrong reference is seen in whatever uses it.
 */
export function openResolver(templates: Readonly<Record<string, Template>>, where: Region): Resolver {
  const physical = new Map<string, Physical>();
  const pseudo: Record<string, string> = {
    'AWS::AccountId': where.account,
    'AWS::Region': where.region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
  };

  function ref(stack: string, id: string): string {
    if (id === 'AWS::StackName') return stack;
    const { Type, Default } = templates[stack]?.Parameters?.[id] ?? {};
    if (Type === 'AWS::SSM::Parameter::Value<String>' && id !== 'BootstrapVersion')
      return stored(String(Default));
    return pseudo[id] ?? physical.get(`${stack}/${id}`)?.ref ?? `not-created-${id}`;
  }

  /** The value of a parameter of Systems Manager. */
  function stored(name: string): string {
    for (const { stack, properties } of resourcesOf(templates, 'AWS::SSM::Parameter')) {
      if (text(stack, properties.Name) === name) return text(stack, properties.Value);
    }
    throw new Error(`no stack has the parameter ${name}`);
  }

  function getAtt(stack: string, [id, attribute]: readonly [string, string]): string {
    const known = physical.get(`${stack}/${id}`);
    if (!known)
      return attribute === 'Arn' ? `arn:aws:none:::not-created-${id}` : `not-created-${id}.${attribute}`;
    const value = known.attributes[attribute];
    if (value === undefined) throw new Error(`the harness gave ${stack}/${id} no attribute ${attribute}`);
    return value;
  }

  function imported(name: string): string {
    for (const [stack, { Outputs = {} }] of Object.entries(templates)) {
      for (const { Value, Export } of Object.values(Outputs)) {
        if (Export && text(stack, Export.Name) === name) return text(stack, Value);
      }
    }
    throw new Error(`no stack exports ${name}`);
  }

  function sub(stack: string, given: unknown): string {
    const [pattern, own] = Array.isArray(given) ? given : [given, {}];
    return String(pattern).replace(/\$\{([^}]+)\}/g, (_, name: string) => {
      if (name in own) return text(stack, own[name]);
      const [id, attribute] = name.split('.');
      return attribute === undefined ? ref(stack, name) : getAtt(stack, [id!, attribute]);
    });
  }

  const text = (stack: string, value: unknown): string => String(resolve(stack, value));

  function resolve(stack: string, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((part) => resolve(stack, part));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [name, given] = entries.length === 1 ? entries[0]! : ['', undefined];
    switch (name) {
      case 'Ref':
        return ref(stack, given);
      case 'Fn::GetAtt':
        return getAtt(stack, given);
      case 'Fn::ImportValue':
        return imported(text(stack, given));
      case 'Fn::Sub':
        return sub(stack, given);
      case 'Fn::Join':
        return given[1].map((part: unknown) => text(stack, part)).join(given[0]);
      case 'Fn::Select':
        return (resolve(stack, given[1]) as unknown[])[Number(given[0])];
      case 'Fn::Split':
        return text(stack, given[1]).split(given[0]);
      default:
        return Object.fromEntries(entries.map(([key, part]) => [key, resolve(stack, part)]));
    }
  }

  return {
    created: (stack, logicalId, known) => void physical.set(`${stack}/${logicalId}`, known),
    resolve,
    output(stack, name) {
      const found = templates[stack]?.Outputs?.[name];
      if (!found) throw new Error(`stack ${stack} has no output ${name}`);
      return text(stack, found.Value);
    },
  };
}

/** All resources of a type, over all stacks. */
export function resourcesOf(
  templates: Readonly<Record<string, Template>>,
  type: string,
): { stack: string; id: string; properties: Readonly<Record<string, unknown>> }[] {
  return Object.entries(templates).flatMap(([stack, { Resources }]) =>
    Object.entries(Resources)
      .filter(([, resource]) => resource.Type === type)
      .map(([id, { Properties = {} }]) => ({ stack, id, properties: Properties })),
  );
}
