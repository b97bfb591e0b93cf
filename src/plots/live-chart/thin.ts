/** Thins a line to what its pixels can show, so that a long run costs no more to draw than a short one. */

/** Points of a line, in the order of x. */
export interface Points {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/**
 * Keeps the lowest and the highest point of each of `buckets` equal runs of points, so that no spike is lost.
 *
 * @returns At most 2 × `buckets` points; the line itself if it has no more.
 * @example
 * thin({ x: [1, 2, 3, 4, 5], y: [0, 9, 0, 0, -9] }, 1); // { x: [2, 5], y: [9, -9] }
 */
export function thin({ x, y }: Points, buckets: number): Points {
  if (x.length <= 2 * buckets) return { x, y };
  const kept: number[] = [];
  for (let b = 0; b < buckets; b++) {
    const [start, end] = [Math.floor((b * x.length) / buckets), Math.floor(((b + 1) * x.length) / buckets)];
    let [low, high] = [start, start];
    for (let i = start + 1; i < end; i++) {
      if (y[i]! < y[low]!) low = i;
      if (y[i]! > y[high]!) high = i;
    }
    kept.push(...(low === high ? [low] : [Math.min(low, high), Math.max(low, high)]));
  }
  return { x: kept.map((i) => x[i]!), y: kept.map((i) => y[i]!) };
}
