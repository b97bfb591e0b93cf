/** The protocol counts a cursor in Unicode code points, JavaScript counts code units. */

/**
 * Offset in code units of an offset in code points; the end of the text for one beyond it or for none.
 *
 * @example
 * toCodeUnits("🎉.a", 2); // 3
 */
export function toCodeUnits(text: string, points: unknown): number {
  if (typeof points !== "number" || !(points >= 0)) return text.length;
  let units = 0;
  for (let point = 0; point < points && units < text.length; point++)
    units += text.codePointAt(units)! > 0xffff ? 2 : 1;
  return units;
}

/**
 * Offset in code points of an offset in code units.
 *
 * @example
 * toCodePoints("🎉.a", 3); // 2
 */
export function toCodePoints(text: string, units: number): number {
  let points = 0;
  for (let unit = 0; unit < units && unit < text.length; points++) unit += text.codePointAt(unit)! > 0xffff ? 2 : 1;
  return points;
}
