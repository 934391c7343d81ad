/** The groups with the largest effect on the logit, signed, strongest first, as a JSON list. */
export function strongest(names: readonly string[], effects: Float32Array, count: number): string {
  const order = names.map((_, i) => i).sort((a, b) => Math.abs(effects[b]!) - Math.abs(effects[a]!) || a - b);
  const texts = order.slice(0, count).map((i) => {
    const effect = effects[i]!;
    return `${names[i]} ${effect < 0 ? '-' : '+'}${Math.abs(effect).toFixed(2)}`;
  });
  return JSON.stringify(texts);
}
