type Numeric = Uint8Array | Int32Array | Uint32Array | Float64Array;

/** The array itself when it holds `length` numbers, else a copy with room for at least twice as many. */
export function grown<T extends Numeric>(array: T, length: number): T;
export function grown(array: Numeric, length: number): Numeric {
  if (array.length >= length) return array;
  const room = Math.max(length, array.length * 2, 16);
  const larger =
    array instanceof Float64Array
      ? new Float64Array(room)
      : array instanceof Int32Array
        ? new Int32Array(room)
        : array instanceof Uint32Array
          ? new Uint32Array(room)
          : new Uint8Array(room);
  larger.set(array);
  return larger;
}
