// Writes docs/operators.md: node --import tsx test/engine/autodiff/operator-table.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gradientRules } from '../../../lib/engine/autodiff/index.ts';
import { rewrites } from '../../../lib/engine/onnx/import/rewrites/index.ts';
import { type Graph, GraphBuilder, type OpType, operators } from '../../../lib/engine/onnx/index.ts';
import { type Case, cases } from './cases.ts';

export const DOCUMENT = fileURLToPath(new URL('../../../docs/operators.md', import.meta.url));

/** Operators of more inputs take any number. */
const MANY = 16;

/** What the columns do not say. */
const notes: Partial<Record<OpType, string>> = {
  Max: 'a tie is split evenly, as torch',
  Min: 'a tie is split evenly, as torch',
  ReduceMax: 'a tie is split evenly, as torch',
  ReduceMin: 'a tie is split evenly, as torch',
  ReduceProd: 'no element may be 0',
  ReduceL2: 'a norm of 0 has gradient 0, as torch',
  Clip: 'the gradient passes at the bounds, none by them',
  Pow: 'by the exponent for positive bases',
  Mod: 'the gradient holds for floats (fmod = 1)',
  Gather:
    'repeated ids are summed by ScatterElements, or row by row in TypeScript (`rows` of `trainingGraph`)',
  GatherND: 'the gradient needs fixed sizes',
  ScatterND: 'updates that are put must not repeat',
  ScatterElements: 'updates that are put must not repeat',
  Slice: 'the gradient needs fixed sizes, but for whole axes',
  Concat: 'the gradient needs fixed sizes along the axis',
  Softmax: 'rows that a following IsNaN guards have gradient 0',
  LayerNormalization: 'further outputs: mean, inverse deviation',
  Cast: 'no gradient to or from whole numbers',
  NonZero: 'its length is known only at run time, unless constants decide it',
  Split: 'all outputs have gradients',
  Pad: 'constant borders',
};

/** By which inputs the rule gives a gradient: those of the node in the case's graph. */
function differentiated(op: OpType, c: Case): number[] {
  const g = new GraphBuilder('case');
  const x = c.inputs.map(({ shape, ids }, i) => g.input(`x${i}`, ids ? 'int64' : 'float32', shape));
  g.output('y', c.build(g, x));
  const graph: Graph = g.build();
  const rule = gradientRules[op];
  const node = graph.nodes.find((candidate) => candidate.op === op);
  if (!node || rule === 'none') return [];
  const emit = GraphBuilder.from(graph);
  const y = node.outputs.map((name) => emit.value(name));
  const gradients = rule({
    g: emit,
    x: node.inputs.map((name) => (name === '' ? undefined : emit.value(name))),
    y,
    dy: emit.zerosLike(y[0]!),
    dys: y.map((value) => emit.zerosLike(value)),
    attributes: node.attributes,
  });
  return gradients.flatMap((gradient, i) => (gradient && node.inputs[i] ? [i] : []));
}

function gradientColumn(op: OpType): string {
  if (gradientRules[op] === 'none') return 'none';
  const inputs = new Set((cases[op] ?? []).flatMap((c) => differentiated(op, c)));
  if (operators[op].inputs[1] > MANY) return 'every input';
  return [...inputs].sort((a, b) => a - b).join(', ');
}

/** The text of docs/operators.md from the operator table, the rules and their cases. */
export function operatorDocument(): string {
  const rows = (Object.keys(operators) as OpType[]).sort().map((op) => {
    const { domain = 'ai.onnx', inputs } = operators[op];
    const [least, most] = inputs;
    const count = most > MANY ? `${least} or more` : least === most ? `${least}` : `${least} to ${most}`;
    return `| ${op} | ${domain} | ${count} | ${gradientColumn(op)} | ${notes[op] ?? ''} |`;
  });
  const own = new Set(Object.entries(operators).map(([op, { domain }]) => (domain ? `${domain}.${op}` : op)));
  const written = Object.keys(rewrites)
    .filter((key) => !own.has(key))
    .sort();
  return `<!-- Written by \`node --import tsx test/engine/autodiff/operator-table.ts\`; a test compares. -->
# Operators

Graphs are built of these ${rows.length} operators in the forms of operator set 20. Each has a shape rule, a float64 kernel
(the oracle of the tests) and a gradient rule: one without any of the three does not compile. The gradient's column
names inputs, counted from 0; "none" stands for operations whose derivative is zero almost everywhere, or whose result
is no float.

| operator | domain | inputs | gradient by | note |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

## Read from models of others

\`importModel\` reads operator sets 11 to 23. Older forms of the operators above (axes and pads as attributes, Softmax over
a flattened matrix, …), Constant, Identity, If with a decided condition and a model's own functions are brought to them.
These operators are written with the ones above while a model is read:

${lines(written.map((key) => `\`${key}\``))}.
`;
}

/** A list in lines of at most 120 characters. */
function lines(items: readonly string[]): string {
  const out: string[] = [];
  for (const item of items) {
    const last = out.at(-1);
    if (last !== undefined && last.length + item.length < 117) out[out.length - 1] = `${last}, ${item}`;
    else out.push(item);
  }
  return out.join(',\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(DOCUMENT, operatorDocument());
