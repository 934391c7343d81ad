import { expect, it } from 'vitest';
import { crc32c } from '../../../lib/engine/train/fit/event-file.ts';
import { curveEvents, encodeEventFile } from '../../../lib/engine/train/index.ts';

/** Fields of a protobuf message by number, read by hand: varints as numbers, the rest as bytes. */
function fields(bytes: Uint8Array): [number, number | Uint8Array][] {
  const found: [number, number | Uint8Array][] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    const size = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? varint() : 0;
    found.push([key >> 3, wire === 0 ? varint() : bytes.subarray(at, at + size)]);
    at += size;
  }
  return found;
}

const view = (bytes: number | Uint8Array | undefined) => {
  const data = bytes as Uint8Array;
  return new DataView(data.buffer, data.byteOffset, data.length);
};

/** Records of a TFRecord file, their checksums checked. */
function records(file: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  const unmask = (masked: number) => {
    const rotated = (masked - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  for (let at = 0; at < file.length; ) {
    const head = file.subarray(at, at + 8);
    const length = Number(view(head).getBigUint64(0, true));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(unmask(view(file.subarray(at + 8)).getUint32(0, true))).toBe(crc32c(head));
    expect(unmask(view(file.subarray(at + 12 + length)).getUint32(0, true))).toBe(crc32c(data));
    found.push(data);
    at += 16 + length;
  }
  return found;
}

it('the checksum is that of RFC 3720, section B.4', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
});

it('curves read back by hand as TensorBoard reads them', () => {
  // given
  const curve = [
    { step: 10, lr: 0.5, trainLoss: 2, gradNorm: 4 },
    { step: 300, lr: 0.25, trainLoss: 1.5, gradNorm: 3, validLoss: 1.75, metrics: { auroc: 0.5 } },
  ];
  // when
  const { train, validation } = curveEvents(curve);
  const [version, ...events] = records(encodeEventFile(train, 1.5e9)).map(fields);
  const [, evaluated] = records(encodeEventFile(validation, 0)).map(fields);
  // then
  const text = (bytes: number | Uint8Array | undefined) => new TextDecoder().decode(bytes as Uint8Array);
  expect(version!.map(([field]) => field)).toEqual([1, 3]);
  expect(text(version![1]![1])).toBe('brain.Event:2');
  const scalars = (event: ReturnType<typeof fields>) =>
    fields(event[2]![1] as Uint8Array).map(([, value]) => {
      const [tag, number] = fields(value as Uint8Array);
      return [text(tag![1]), view(number![1]).getFloat32(0, true)];
    });
  expect(events.map(([time, step]) => [view(time![1]).getFloat64(0, true), step![1]])).toEqual([
    [1.5e9, 10],
    [1.5e9, 300],
  ]);
  expect(events.map(scalars)).toEqual([
    [
      ['loss', 2],
      ['learning_rate', 0.5],
      ['gradient_norm', 4],
    ],
    [
      ['loss', 1.5],
      ['learning_rate', 0.25],
      ['gradient_norm', 3],
    ],
  ]);
  expect(evaluated![1]![1]).toBe(300);
  expect(scalars(evaluated!)).toEqual([
    ['loss', 1.75],
    ['metrics/auroc', 0.5],
  ]);
});
