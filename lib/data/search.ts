/** Whether a stream of bytes holds one of some words (in UTF-8), also where two chunks meet. It is read no further than it needs. */
export async function holdsAny(
  chunks: AsyncIterable<Uint8Array>,
  words: readonly string[],
): Promise<boolean> {
  const longest = Math.max(...words.map((word) => Buffer.byteLength(word)));
  let tail: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    const text = Buffer.concat([tail, chunk]);
    if (words.some((word) => text.includes(word))) return true;
    tail = text.subarray(Math.max(0, text.length - longest));
  }
  return false;
}
