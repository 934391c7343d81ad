import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { CurvePoint } from './checkpoint.ts';

/** Scalars of one step. */
export interface ScalarEvent {
  readonly step: number;
  /** Values by tag; tags with a common prefix before '/' stand together in TensorBoard. */
  readonly scalars: Readonly<Record<string, number>>;
}

/**
 * A TensorBoard event file: length-framed records with masked checksums (TFRecord), each a `tensorflow.Event` of scalars.
 * Its name must hold "tfevents". Equal input gives equal bytes, so the time is the caller's.
 * @param wallTime seconds since 1970, of all events
 */
export function encodeEventFile(events: readonly ScalarEvent[], wallTime: number): Uint8Array {
  // tensorflow/core/util/event.proto: wall_time = 1, step = 2, file_version = 3, summary = 5
  const event = () => new BinaryWriter().tag(1, WireType.Bit64).double(wallTime);
  const version = event().tag(3, WireType.LengthDelimited).string('brain.Event:2').finish();
  const records = events.map(({ step, scalars }) =>
    event()
      .tag(2, WireType.Varint)
      .int64(step)
      .tag(5, WireType.LengthDelimited)
      .bytes(summary(scalars))
      .finish(),
  );
  return joined([version, ...records].flatMap(frame));
}

/** A training run's curves as events: one file for what it learns from, one for validation, as TensorBoard compares runs. */
export function curveEvents(curve: readonly CurvePoint[]): {
  train: ScalarEvent[];
  validation: ScalarEvent[];
} {
  const train = curve.map(({ step, lr, trainLoss, gradNorm }) => ({
    step,
    scalars: { loss: trainLoss, learning_rate: lr, gradient_norm: gradNorm },
  }));
  const validation = curve.flatMap(({ step, validLoss, metrics = {} }) => {
    if (validLoss === undefined) return [];
    const named = Object.entries(metrics).map(([name, value]) => [`metrics/${name}`, value] as const);
    return [{ step, scalars: { loss: validLoss, ...Object.fromEntries(named) } }];
  });
  return { train, validation };
}

/** tensorflow/core/framework/summary.proto: Summary.value = 1 of Value.tag = 1, Value.simple_value = 2 */
function summary(scalars: Readonly<Record<string, number>>): Uint8Array {
  const writer = new BinaryWriter();
  for (const [tag, value] of Object.entries(scalars)) {
    const one = new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .string(tag)
      .tag(2, WireType.Bit32)
      .float(value)
      .finish();
    writer.tag(1, WireType.LengthDelimited).bytes(one);
  }
  return writer.finish();
}

/** A TFRecord: length (uint64, little-endian), its masked checksum, the data, the data's masked checksum. */
function frame(data: Uint8Array): Uint8Array[] {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setBigUint64(0, BigInt(data.length), true);
  return [head, checksum(head), data, checksum(data)];
}

function checksum(data: Uint8Array): Uint8Array {
  const crc = crc32c(data);
  const bytes = new Uint8Array(4);
  // rotated and shifted, so that a checksum of data that holds checksums stays a good one
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  new DataView(bytes.buffer).setUint32(0, masked, true);
  return bytes;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli), RFC 3720 section B.4. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
