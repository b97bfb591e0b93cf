/**
 * Seeded random numbers: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state that can be saved and restored.
 * The library never calls Math.random.
 */

/** Uniform numbers in [0, 1), 32 bits each. `state()` can be given to `restoreRandom`. */
export interface Random {
  (): number;
  state(): readonly [number, number, number, number];
}

/**
 * A generator that a seed determines.
 *
 * @param seed Integer in [0, 2^32).
 * @throws {RangeError} If the seed is not such an integer.
 * @example
 * createRandom(7)() === createRandom(7)(); // true
 */
export function createRandom(seed: number): Random {
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
    throw new RangeError(`createRandom: expected an integer seed in [0, 2^32) but found ${seed}`);
  }
  const random = restoreRandom([0, seed, 0, 1]);
  for (let i = 0; i < 12; i++) random();
  return random;
}

/**
 * Continues a generator from a saved state.
 *
 * @example
 * const random = createRandom(7);
 * const twin = restoreRandom(random.state());
 * random() === twin(); // true
 */
export function restoreRandom(state: readonly [number, number, number, number]): Random {
  let [a, b, c, counter] = state.map((word) => word | 0) as [number, number, number, number];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  return Object.assign(next, { state: () => [a, b, c, counter] as const });
}

/**
 * An integer in [0, below).
 *
 * @example
 * randomInteger(createRandom(7), 1); // 0
 */
export function randomInteger(random: Random, below: number): number {
  return Math.floor(random() * below);
}

/**
 * k different elements in random order (Fisher–Yates on a copy).
 *
 * @example
 * sampleWithoutReplacement(createRandom(7), ["a", "b", "c"], 3).sort(); // ["a", "b", "c"]
 */
export function sampleWithoutReplacement<T>(random: Random, items: readonly T[], k: number): T[] {
  if (k > items.length) {
    throw new RangeError(`sampleWithoutReplacement: expected k <= ${items.length} but found ${k}`);
  }
  const pool = items.slice();
  for (let i = 0; i < k; i++) {
    const j = i + randomInteger(random, pool.length - i);
    [pool[i], pool[j]] = [pool[j]!, pool[i]!];
  }
  return pool.slice(0, k);
}
