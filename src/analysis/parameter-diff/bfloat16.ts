/** bfloat16 as float32 bits whose lower half is zero. */

/**
 * Rounds a float32 to the nearest bfloat16, ties to even.
 *
 * @param bits Of a finite float32.
 * @returns Bits of a float32.
 * @example
 * toBfloat16(0x3f808000).toString(16); // "3f800000"
 */
export function toBfloat16(bits: number): number {
  return (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
}
