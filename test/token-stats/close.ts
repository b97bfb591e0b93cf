import assert from "node:assert/strict";

/**
 * Columns equal others of the same names: integers exactly, real numbers within the promised 1e-5, KL also within 1e-4 of
 * itself.
 */
export function assertColumns(
  got: Readonly<Record<string, ArrayLike<number>>>,
  expected: Readonly<Record<string, readonly number[]>>,
  what: string,
) {
  for (const [name, values] of Object.entries(expected)) {
    const column = got[name]!;
    assert.equal(column.length, values.length, `${what}: ${name}`);
    const exact = column instanceof Int32Array;
    for (const [i, value] of values.entries()) {
      const limit = exact ? 0 : name === "kl" || name === "reverseKl" ? Math.max(1e-5, 1e-4 * value) : 1e-5;
      const close = column[i] === value || Math.abs(column[i]! - value) <= limit;
      assert.ok(close, `${what}: ${name}[${i}] is ${column[i]}, not ${value}`);
    }
  }
}
