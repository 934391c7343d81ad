import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { loadConfig } from '../../lib/config/index.ts';
import { buildApp } from '../../lib/infra/index.ts';
import { builtPackages } from '../build/packages.ts';
import { installImage } from './image.ts';
import type { Template } from './intrinsics.ts';

/** What a person has who has just deployed: templates, packages, and the images' content. */
export interface Deployment {
  readonly templates: Readonly<Record<string, Template>>;
  /** Folder of the functions' zips. */
  readonly functions: string;
  /** Folder with what the images hold. */
  readonly image: string;
}

/** Builds and synthesises the config of a folder, and installs beside it what the images hold. */
export async function deploy(folder: string): Promise<Deployment> {
  const { config } = await loadConfig(folder);
  const packages = await builtPackages(folder);
  const app = new App({ outdir: join(folder, 'cdk.out') });
  buildApp(app, { config, environment: 'prod', packages });
  const templates: Record<string, Template> = {};
  for (const { stackName, template } of app.synth().stacks) templates[stackName] = template;
  return {
    templates,
    functions: packages.functions,
    image: await installImage(packages.image, join(folder, 'image')),
  };
}
