import { randomFillSync } from 'node:crypto';
import type { Rng } from '../../host/index.ts';

/** Uniform in [0, 1) with 53 random bits. */
type Uniform = () => number;

/** Uniform draws from the operating system's cryptographic source, a block at a time. */
function secureUniforms(): Uniform {
  const words = new Uint32Array(8192);
  let at = words.length;
  return () => {
    if (at === words.length) {
      randomFillSync(words);
      at = 0;
    }
    const high = words[at++]! >>> 5;
    return (high * 2 ** 26 + (words[at++]! >>> 6)) / 2 ** 53;
  };
}

/** Adds independent normal noise to every value, by Box and Muller (1958), two values a draw. */
export function addNormals(values: Float32Array, deviation: number, uniform: Uniform): void {
  for (let i = 0; i < values.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    values[i] = values[i]! + radius * Math.cos(angle);
    if (i + 1 < values.length) values[i + 1] = values[i + 1]! + radius * Math.sin(angle);
  }
}

/** @param source a seeded generator, which advances; without one the cryptographic source */
export function uniformsOf(source: Rng | undefined): Uniform {
  return source ? () => source.uniform() : secureUniforms();
}
