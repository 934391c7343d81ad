import { parseDay, shopClock } from '../../data/index.ts';
import { type Feeds, float32 } from '../../engine/host/index.ts';
import { openSession } from '../../engine/train/index.ts';
import { dayStart, groupWords, inPopulation } from '../../features/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { UpliftOutcomes, UpliftScores } from '../effects.ts';
import type { EvaluateContext, OutcomeCollector, ScoreContext, Scorer, UserWalk } from '../family.ts';
import { openProfiles, type ProfileWriter, parseManifest, strongest } from '../shared/index.ts';
import { minorOf, outcomeOf, UserWriter } from './campaign-rows.ts';
import { upliftManifest } from './manifest.ts';
import { readTreatments, type Treatment } from './treatments.ts';
import { askedBy, upliftTask } from './uplift-task.ts';

/** Rows of every batch: always the same, the last one filled up, because results may depend on the batch's size. */
const BATCH = 256;

/** Opens a model of campaigns for the shards of a run: what a treatment on the as-of day would change. */
export async function openCampaignScorer(files: ModelFiles, context: ScoreContext): Promise<Scorer> {
  const { store, manifest: run, threads } = context;
  const { config } = run;
  const manifest = parseManifest(upliftManifest, files);
  const asked = askedBy(upliftTask(run, manifest.task));
  const day = parseDay(run.asOf!);
  const writer = new UserWriter(config, { columns: manifest.columns ?? [], profile: manifest.encoder });
  const width = writer.names.length;
  const names = manifest.groups.map(groupWords);
  const session = await openSession(files['model.onnx']!, { threads });

  async function scored(users: UserWalk, profiles: ProfileWriter): Promise<UpliftScores> {
    const told: Record<'uplift' | 'control' | 'treated', number[]> = { uplift: [], control: [], treated: [] };
    const reasons: (string | null)[] = [];
    /** Places of the users of the batches that are under way, in their order. */
    const sent: number[][] = [];
    function* batches(): Generator<Feeds> {
      let batch = new Float32Array(BATCH * width);
      let waiting: number[] = [];
      for (const { user, state, advance } of users) {
        advance(day);
        const place = reasons.push(null) - 1;
        for (const column of Object.values(told)) column.push(Number.NaN);
        if (!inPopulation(asked, state, day)) continue;
        writer.write(user, state, day, profiles, batch, waiting.length * width);
        waiting.push(place);
        if (waiting.length < BATCH) continue;
        sent.push(waiting);
        yield { features: float32(batch, [BATCH, width]) };
        batch = new Float32Array(BATCH * width);
        waiting = [];
      }
      if (waiting.length === 0) return;
      sent.push(waiting);
      yield { features: float32(batch, [BATCH, width]) };
    }
    for await (const output of session.runAll(batches(), { transfer: true })) {
      const effects = output.reasons!.data as Float32Array;
      for (const [i, place] of sent.shift()!.entries()) {
        for (const name of ['uplift', 'control', 'treated'] as const) {
          told[name][place] = Number(output[name]!.data[i]);
        }
        const own = effects.subarray(i * names.length, (i + 1) * names.length);
        reasons[place] = strongest(names, own, config.exports.reasons);
      }
    }
    const column = (numbers: number[]) => Float64Array.from(numbers);
    return {
      ...{ uplift: column(told.uplift), control: column(told.control), treated: column(told.treated) },
      reasons,
    };
  }

  return {
    async score(users, shard) {
      const profiles = await openProfiles(store, run, manifest.encoder, shard);
      return { uplifts: { [manifest.task]: await scored(users, profiles) } };
    },
    close: () => session.close(),
  };
}

/**
 * Expected effects beside what happened to those who were treated, or held out, on the as-of day: on later days more was known of
 * users than the scores knew.
 */
export async function campaignOutcomes({
  store,
  manifest,
  later,
  tasks,
}: EvaluateContext): Promise<OutcomeCollector> {
  const day = parseDay(manifest.asOf!);
  const { timeZone } = manifest.config.shop;
  const clock = shopClock(timeZone);
  const minor = minorOf(manifest.config);
  const compared: {
    name: string;
    task: ReturnType<typeof upliftTask>;
    byUser: ReadonlyMap<string, readonly Treatment[]>;
    into: UpliftOutcomes;
  }[] = [];
  for (const name of tasks) {
    const task = upliftTask(manifest, name);
    const { byUser } = await readTreatments(store, later, task, dayStart(timeZone, day + 1));
    const into: UpliftOutcomes = {
      ...{ kind: 'uplift', ids: [], uplifts: [], treated: [], outcomes: [] },
      least: task.least,
    };
    compared.push({ name, task, byUser, into });
  }
  return {
    outcomes: Object.fromEntries(compared.map(({ name, into }) => [name, into])),
    add(user, scores, row) {
      for (const { name, task, byUser, into } of compared) {
        const uplift = scores.uplifts![name]!.uplift[row]!;
        const own = byUser.get(user.user)?.find(({ at }) => clock(at).day === day);
        if (!own || Number.isNaN(uplift)) continue;
        into.ids.push(user.user);
        into.uplifts.push(uplift);
        into.treated.push(own.treated);
        into.outcomes.push(outcomeOf(user.outcomes, { day, at: own.at }, task, minor));
      }
    },
  };
}
