import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DataError, formatDay, parseDay } from '../../lib/data/index.ts';
import { type MadeBehaviour, pretrainBehaviour } from '../../lib/models/index.ts';
import { buildManifest, checkAsOf, type DropState, lastDays, openUsers } from '../../lib/run/index.ts';
import { explainedAt, writeWhole } from '../../lib/runtime/index.ts';
import type { Workspace } from '../workspace.ts';
import { fixed, runSteps, type Step, thousands } from './shared.ts';

interface BehaviourOptions {
  readonly asOf?: string;
  readonly out: string;
  readonly steps: number;
  readonly seed: number;
  readonly threads: number;
  readonly json?: boolean;
}

interface BehaviourContext {
  drops?: DropState[];
  asOf?: string;
  made?: MadeBehaviour;
}

/** `nightjar pretrain --behaviour`: an encoder of visits from one shop's events, which another shop's config can name. */
export async function pretrainOnVisits(workspace: Workspace, options: BehaviourOptions): Promise<void> {
  const context: BehaviourContext = {};
  const steps = [readStep(workspace, options), pretrainStep(workspace, options), writeStep(options)];
  await runSteps(context, steps, options.json ?? false);
  const { files, users, visits, curve } = context.made!;
  const result = {
    folder: resolve(options.out),
    asOf: context.asOf,
    users,
    visits,
    bytes: Object.values(files).reduce((sum, { byteLength }) => sum + byteLength, 0),
    steps: options.steps,
    firstLoss: curve[0]!.trainLoss,
    lastLoss: curve.at(-1)!.trainLoss,
  };
  if (options.json) {
    console.log(JSON.stringify(result));
    return;
  }
  console.log(
    `\n${thousands(visits)} visits of ${thousands(users)} users before ${context.asOf}; hidden visits told with a loss of ` +
      `${fixed(result.firstLoss)} at first and ${fixed(result.lastLoss)} at last\nencoder  ${result.folder}`,
  );
}

const readStep = (
  { store, config, ingest }: Workspace,
  { asOf }: BehaviourOptions,
): Step<BehaviourContext> => ({
  title: 'read the events',
  async run(context, tell) {
    context.drops = await ingest(tell);
    const known = await lastDays(store, config, context.drops);
    if (!known) throw new DataError('there are no events yet: drop some first');
    if (asOf !== undefined) checkAsOf(parseDay(asOf), known);
    context.asOf = asOf ?? formatDay(known.complete + 1);
    return `before ${context.asOf}`;
  },
});

const pretrainStep = (
  { store, config }: Workspace,
  { steps, seed, threads }: BehaviourOptions,
): Step<BehaviourContext> => ({
  title: 'pretrain the encoder',
  async run(context, tell) {
    const asOf = context.asOf!;
    const manifest = buildManifest({
      purpose: 'training',
      config,
      asOf,
      groups: [],
      drops: context.drops!,
      champions: {},
      snapshot: null,
    });
    const day = parseDay(asOf);
    const users = openUsers(store, manifest);
    context.made = await pretrainBehaviour(users, config, { day, steps, seed, threads, progress: tell });
    return `loss ${fixed(context.made.curve.at(-1)!.trainLoss)}`;
  },
});

const writeStep = ({ out }: BehaviourOptions): Step<BehaviourContext> => ({
  title: 'write the folder',
  async run({ made }) {
    const folder = resolve(out);
    const write = async () => {
      await mkdir(folder, { recursive: true });
      for (const [name, bytes] of Object.entries(made!.files)) await writeWhole(join(folder, name), bytes);
    };
    await explainedAt({ path: folder }, write());
    return folder;
  },
});
