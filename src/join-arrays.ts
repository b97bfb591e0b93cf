/**
 * Packed arrays of several runs, one after the other; a single part is given back as it is.
 *
 * @example
 * joinArrays([Float32Array.of(1), Float32Array.of(2, 3)]); // Float32Array [1, 2, 3]
 */
export function joinArrays(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const joined = new Float32Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
