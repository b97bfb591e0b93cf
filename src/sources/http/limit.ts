/** How many tasks run at once. */

/** Runs a task when fewer than the limit are running, in the order of the calls. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/**
 * A limit on how many tasks run at once.
 *
 * @example
 * const limit = createLimit(2);
 * await Promise.all([1, 2, 3].map((n) => limit(async () => n))); // [1, 2, 3]
 */
export function createLimit(most: number): Limit {
  const waiting: (() => void)[] = [];
  let free = most;
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}

/**
 * The results of tasks in their order. After the first failure no further task begins, and its error is thrown when
 * those that run have ended.
 *
 * @example
 * await inOrder([1, 2, 3], async (n) => 2 * n, { most: 2 }); // [2, 4, 6]
 */
export async function inOrder<Item, Result>(
  items: readonly Item[],
  task: (item: Item, index: number) => Promise<Result>,
  { most }: { readonly most: number },
): Promise<Result[]> {
  const results: Result[] = [];
  const entries = items.entries();
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    for (const [index, item] of entries) {
      if (failure) return;
      try {
        results[index] = await task(item, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
  if (failure) throw failure.error;
  return results;
}
