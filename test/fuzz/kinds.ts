import { csv, jsonl, parquet } from './drops.ts';
import { arrow, config, s3Event } from './messages.ts';
import { onnx, safetensors, stored, tokenizer } from './models.ts';
import type { ReaderKind } from './reader.ts';

/** Everything that reads bytes which Nightjar has not just written itself, and its part of 100,000 files. */
export const KINDS: Readonly<Record<string, ReaderKind>> = {
  csv: { open: csv, share: 12_000 },
  jsonl: { open: jsonl, share: 6_000 },
  parquet: { open: parquet, share: 8_000 },
  arrow: { open: arrow, share: 12_000 },
  onnx: { open: onnx, share: 10_000 },
  stored: { open: stored, share: 10_000 },
  tokenizer: { open: tokenizer, share: 8_000 },
  safetensors: { open: safetensors, share: 12_000 },
  config: { open: config, share: 10_000 },
  's3-event': { open: s3Event, share: 12_000 },
};
