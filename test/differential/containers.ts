import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

export type Packing = 'none' | 'gzip' | 'zstd' | 'zip';

export function packed(bytes: Buffer<ArrayBuffer>, packing: Packing): Buffer<ArrayBuffer> {
  if (packing === 'gzip') return gzipSync(bytes);
  if (packing === 'zstd') return zstd(bytes);
  return packing === 'zip' ? zip(bytes) : bytes;
}

const MOST_IN_BLOCK = 100_000;

/** A frame of raw blocks (RFC 8878, section 3.1.1): whatever unpacks zstd reads it. */
function zstd(bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length);
  // One segment, so no window size; the size of the content in four bytes.
  const parts = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000]), size];
  for (let at = 0; at === 0 || at < bytes.length; at += MOST_IN_BLOCK) {
    const block = bytes.subarray(at, at + MOST_IN_BLOCK);
    const last = at + MOST_IN_BLOCK >= bytes.length ? 1 : 0;
    const head = Buffer.alloc(3);
    head.writeUIntLE((block.length << 3) | last, 0, 3);
    parts.push(head, block);
  }
  return Buffer.concat(parts);
}

/** An archive of one deflated file (APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16). */
function zip(bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const name = Buffer.from('orders.csv');
  const data = deflateRawSync(bytes);
  const shared = Buffer.alloc(26);
  shared.writeUInt16LE(20, 0);
  shared.writeUInt16LE(8, 4);
  shared.writeUInt32LE(crc32(bytes), 10);
  shared.writeUInt32LE(data.length, 14);
  shared.writeUInt32LE(bytes.length, 18);
  shared.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, name, data]);
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\0', 'latin1'), shared, Buffer.alloc(14), name]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}
