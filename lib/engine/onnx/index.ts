export { GraphBuilder } from './builder.ts';
export { removeDeadCode, selectOutputs } from './dead-code.ts';
export { type DecodeOptions, decodeModel } from './decode.ts';
export {
  broadcastShapes,
  type Dim,
  formatShape,
  multiplyDims,
  normaliseAxis,
  type Shape,
  staticShape,
} from './dims.ts';
export { embed } from './embed.ts';
export type { Operand } from './emitter.ts';
export { type EncodeOptions, encodeModel } from './encode.ts';
export { encodeLoop, everyName, finalName, initialName, LOOP_COUNT } from './encode-loop.ts';
export { GraphError } from './errors.ts';
export { fuse } from './fuse/index.ts';
export {
  type Attribute,
  type Attributes,
  type Graph,
  type GraphNode,
  type Initializer,
  OPSET,
  type Parameter,
  type TensorType,
  type Value,
} from './graph.ts';
export { type ImportOptions, importModel, readModelFile } from './import/index.ts';
export { inferTypes } from './infer.ts';
export { interpret, type Tensor64, toTensor64 } from './interpret/index.ts';
export { isOpType, type OpType, operators } from './operators/index.ts';
export { sliceRange } from './operators/movement.ts';
export { directions as recurrentDirections, rnnActivation } from './operators/recurrent.ts';
export { intAttribute, listAttribute, stringAttribute } from './operators/spec.ts';
export { type Windows, windowCounts, windowElements, windowsOf } from './operators/window.ts';
export { asParameters, withParameters } from './parameters.ts';
export { quantise } from './quantise.ts';
export { foldConstants, specialise } from './specialise.ts';
export {
  type DType,
  elementCount,
  isFloat,
  type Tensor,
  type TensorData,
  tensor,
  toNumbers,
} from './tensor.ts';
