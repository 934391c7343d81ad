import { createRng } from '../../../engine/host/index.ts';
import { encodeModel } from '../../../engine/onnx/index.ts';
import type { CurvePoint } from '../../../engine/train/index.ts';
import type { TaskStrengths } from '../../shared/index.ts';
import type { ExportedModel, Fitted, Material } from '../candidate.ts';
import { groupMatrix } from '../group-matrix.ts';
import { withoutUnanswered } from '../run-rows.ts';
import { summarise } from '../strength.ts';
import { type BranchKind, type BranchRows, type Grown, textsOf } from './branches/index.ts';
import { type Network, scoringModel } from './graph.ts';
import { type ParameterValues, withValues } from './parameters.ts';
import { predictNetwork, type RawRows, reasonsOf } from './predict.ts';
import { answeredTasks, seenBins, withUnseenBins } from './unseen-bins.ts';

interface NetworkParts {
  readonly material: Material;
  readonly grown: readonly Grown[];
  readonly parameters: ParameterValues;
  readonly curve: readonly CurvePoint[];
  /** Where the text encoder was trained with it. */
  readonly lora?: NonNullable<NonNullable<ExportedModel['text']>['lora']>;
}

/** A network with its parameters, and the rows that it reads. */
export class FittedNetwork implements Fitted {
  readonly parameters: ParameterValues;
  readonly curve: readonly CurvePoint[];
  readonly grown: readonly Grown[];
  readonly network: Network;
  /** What its branches read of the material's rows. */
  readonly rows: BranchRows;
  readonly #parts: NetworkParts;

  constructor(parts: NetworkParts) {
    const { material, grown, parameters, curve } = parts;
    this.#parts = parts;
    this.parameters = parameters;
    this.curve = curve;
    this.grown = grown;
    this.network = {
      features: material.width,
      transform: material.transform,
      heads: material.heads,
      answers: material.answers,
      branches: grown.map(({ branch }) => branch),
    };
    this.rows = Object.assign({}, ...grown.map(({ rows }) => rows));
  }

  /** The same with other parts. */
  with(changes: Partial<NetworkParts>): FittedNetwork {
    return new FittedNetwork({ ...this.#parts, ...changes });
  }

  /** Its branch of a kind. */
  branch({ name }: Pick<BranchKind, 'name'>): Grown | undefined {
    return this.grown.find(({ kind }) => kind === name);
  }

  get pretraining(): readonly CurvePoint[] {
    return this.grown.flatMap(({ pretrained }) => pretrained?.curve ?? []);
  }

  /** The same where parts of a window that are never over in the data say what the part before them says. */
  withUnseenBins(): FittedNetwork {
    const { heads, weights } = this.#parts.material;
    const parameters = withUnseenBins(this.network, this.parameters, seenBins(heads, weights));
    return this.with({ parameters });
  }

  async logits(rows: Int32Array): Promise<Float32Array> {
    const { config, heads, weights, data } = this.#parts.material;
    const { threads } = config.training;
    const logits = await predictNetwork(this.network, this.parameters, this.#raw(), rows, threads);
    const answered = answeredTasks(heads, seenBins(heads, weights));
    return withoutUnanswered(
      logits,
      answered.map((one, task) => one && data?.[task] !== 'too few'),
    );
  }

  /** Measured on the first rows of those given. */
  async strengths(rows: Int32Array): Promise<TaskStrengths[]> {
    const { heads, names } = this.#parts.material;
    const { kept } = this.network.transform;
    const matrix = Float32Array.from({ length: kept.length ** 2 }, (_, i) =>
      Number(i % (kept.length + 1) === 0),
    );
    const identity = { count: kept.length, matrix };
    const effects = await reasonsOf(this.network, this.parameters, this.#raw(), rows, identity);
    const branches = branchGroups(textsOf(this.network.branches) !== undefined);
    const columns = [...kept.map((j) => names[j]!), ...branches.map((name) => ({ name, group: name }))];
    return heads.map((_, t) => summarise(effects, heads.length, t, columns));
  }

  exported(): ExportedModel {
    const { config, names, visits, texts } = this.#parts.material;
    const { network, grown, parameters } = this;
    const groups = groupMatrix(network.transform.kept.map((j) => names[j]!.group));
    const encoder = grown.find((one) => one.encoder)?.encoder;
    const open = { ...network, branches: network.branches.map((branch) => branch.open()) };
    const graph = scoringModel(open, createRng(config.model.seed), groups, encoder);
    const read = textsOf(network.branches);
    const { lora } = this.#parts;
    const vocabulary = grown.find((one) => one.vocabulary)?.vocabulary;
    return {
      model: encodeModel(withValues(graph, parameters), { parametersAs: 'initializers' }),
      groups: groups.names,
      sequence: vocabulary ? { vocabulary, length: visits!.length } : null,
      ...(read
        ? {
            text: {
              places: read.shape.places,
              maxLength: texts!.maxLength,
              pretraining: texts!.pretraining,
              ...(lora ? { lora } : {}),
            },
          }
        : {}),
      files: read ? texts!.files : {},
    };
  }

  #raw(): RawRows {
    const { features, width } = this.#parts.material;
    return { features, width, ...this.rows };
  }
}

/** Names of the columns of `reasons` behind those of the feature groups: that of visits is always there. */
const branchGroups = (text: boolean): string[] => ['visits', ...(text ? ['texts'] : [])];

/**
 * Names of the columns of `reasons` in a model, as far as they have one.
 * @param groups of its features
 */
export function reasonNames({
  groups,
  sequence = null,
  text,
}: {
  readonly groups: readonly string[];
  readonly sequence?: ExportedModel['sequence'];
  readonly text?: ExportedModel['text'];
}): string[] {
  return sequence || text ? [...groups, ...branchGroups(text !== undefined)] : [...groups];
}
