import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { parseConfig } from '../../lib/config/index.ts';
import { buildApp, type Stacks } from '../../lib/infra/index.ts';

export type StackName = keyof Stacks;
export const STACKS: readonly StackName[] = ['storage', 'batch', 'ingest', 'nightly', 'watch'];

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly DependsOn?: readonly string[];
}

export interface CloudTemplate {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<
    Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: unknown } }>
  >;
  readonly Parameters?: Readonly<Record<string, unknown>>;
}

export interface Synthesis {
  readonly app: App;
  readonly stacks: Stacks;
  readonly templates: Readonly<Record<StackName, CloudTemplate>>;
}

/** A shop with nothing but one source and one task: the stacks read no more of it. */
export const SHOP = {
  sources: {
    orders: {
      table: 'events',
      format: 'csv',
      columns: { user: 'customer', time: 'at', type: "'purchase'" },
    },
  },
  tasks: { buys: { kind: 'event', event: 'purchase', horizonDays: 30 } },
};

/** An archive without a file. */
export const EMPTY_ZIP = Buffer.from('504b0506'.padEnd(44, '0'), 'hex');

/** By their settings. Test files of this folder share modules, and so these: none may change them. */
const made = new Map<string, Synthesis>();

/**
 * Synthesises all stacks as the command line would, over packages that are stand-ins: so templates do not change with
 * every line of code. Takes some seconds: once for each setting.
 */
export function synthesise({ environment = 'prod', deploy = {} } = {}): Synthesis {
  const setting = JSON.stringify({ environment, deploy });
  const known = made.get(setting) ?? synthesised(environment, deploy);
  made.set(setting, known);
  return known;
}

function synthesised(environment: string, deploy: object): Synthesis {
  const folder = mkdtempSync(join(tmpdir(), 'nightjar-infra-'));
  try {
    const packages = { functions: join(folder, 'functions'), image: join(folder, 'image') };
    mkdirSync(packages.functions);
    for (const name of ['clean', 'features', 'dispatch']) {
      writeFileSync(join(packages.functions, `${name}.zip`), EMPTY_ZIP);
    }
    for (const name of ['cpu', 'gpu']) {
      mkdirSync(join(packages.image, name), { recursive: true });
      writeFileSync(join(packages.image, name, 'Dockerfile'), 'FROM scratch\n');
    }
    const { context } = JSON.parse(readFileSync('cdk.json', 'utf8'));
    const app = new App({ outdir: join(folder, 'out'), context });
    const config = parseConfig({ ...SHOP, shop: { name: 'shop', timeZone: 'Europe/London' }, deploy });
    const stacks = buildApp(app, { config, environment, packages });
    const assembly = app.synth();
    const template = (name: StackName): CloudTemplate => {
      const text = readFileSync(join(assembly.directory, `${stacks[name].artifactId}.template.json`), 'utf8');
      return JSON.parse(text, (_, value) => Object.freeze(value));
    };
    const templates = {
      storage: template('storage'),
      batch: template('batch'),
      ingest: template('ingest'),
      nightly: template('nightly'),
      watch: template('watch'),
    };
    return { app, stacks, templates };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resources of a type, by their logical ids. */
export function ofType({ Resources }: CloudTemplate, type: string): [string, Resource][] {
  return Object.entries(Resources).filter(([, { Type }]) => Type === type);
}
