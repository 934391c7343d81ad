/**
 * Maps with at most `width` calls under way, so that many small requests to a distant store do not wait for each other.
 * @returns the results in the order of the values
 * @throws what the first failing call throws; no further call is made after it
 */
export async function mapParallel<T, R>(
  values: readonly T[],
  width: number,
  map: (value: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const work = async () => {
    while (next < values.length && !failed) {
      const i = next++;
      try {
        results[i] = await map(values[i]!);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  return results;
}
