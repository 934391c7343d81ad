/** What both sides of the training benchmark are told: shapes, and where the shared files lie. */
export interface TrainJob {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly inner: number;
  readonly vocabulary: number;
  readonly classes: number;
  readonly batch: number;
  readonly tokens: number;
  readonly threads: number;
  readonly kind: 'full' | 'lora';
  readonly lr: number;
  readonly decay: number;
  readonly clipNorm: number;
  readonly rank: number;
  readonly alpha: number;
  /** ONNX file that the PyTorch side writes: the model of both. */
  readonly model: string;
  /** JSON that our side writes: LoRA's first values by the name of the layer. */
  readonly adapter: string;
}

export interface Batch {
  readonly ids: readonly number[];
  readonly mask: readonly number[];
  readonly labels: readonly number[];
}

/** One line to a contender's standard input, and one back: JSON. */
export type Request =
  | { readonly do: 'export'; readonly job: TrainJob }
  | { readonly do: 'open'; readonly job: TrainJob }
  | { readonly do: 'steps'; readonly batches: readonly Batch[] };

export interface Opened {
  readonly versions: string;
  /** Trained values. */
  readonly trained: number;
  /** Milliseconds of what comes before the first step. */
  readonly parts: Readonly<Record<string, number>>;
}

export interface Steps {
  readonly losses: readonly number[];
  readonly milliseconds: readonly number[];
  /** Largest resident memory of the process so far, in MiB. */
  readonly peak: number;
}
