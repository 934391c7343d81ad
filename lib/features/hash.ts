/**
 * 53-bit hash of bytes as an exact float64, never 0: two multiply-xor lanes with the finaliser of MurmurHash3
 * (Appleby, fmix32). Two different ids of one user and day meet with a chance of about 1e-16.
 */
export function hash53(bytes: Uint8Array, start: number, end: number): number {
  let a = 0x2545f491 ^ (end - start);
  let b = 0x6a09e667;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    a = Math.imul(a ^ byte, 0x85ebca6b);
    a ^= a >>> 15;
    b = Math.imul(b ^ byte, 0xc2b2ae35);
    b ^= b >>> 13;
  }
  a = finalise(a ^ (b >>> 7));
  b = finalise(b ^ (a >>> 9));
  return (a >>> 0) * 0x200000 + (b >>> 11) || 1;
}

function finalise(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
