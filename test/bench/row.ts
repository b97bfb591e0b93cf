/** One comparison. `ratio` says how many times as fast as the peer ours is; `target` is the least that is asked. */
export interface BenchRow {
  readonly name: string;
  /** Median of ours and of the peer, in `unit`; null where the peer could not be run. */
  readonly ours: number;
  readonly peer: number | null;
  readonly unit: string;
  readonly ratio: number | null;
  readonly target: number;
  readonly ok: boolean;
  readonly note: string;
}

export interface Measured {
  readonly name: string;
  /** Milliseconds of each round. */
  readonly ours: readonly number[];
  readonly peer: readonly number[];
  readonly target: number;
  readonly note: string;
}

/** A row of times in milliseconds. */
export function timeRow({ name, ours, peer, target, note }: Measured): BenchRow {
  const [a, b] = [median(ours), peer.length > 0 ? median(peer) : null];
  const ratio = b === null ? null : round(b / a);
  return {
    name,
    ours: round(a),
    peer: b === null ? null : round(b),
    unit: "ms",
    ratio,
    target,
    ok: ratio !== null && ratio >= target,
    note,
  };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const round = (value: number) => Number(value.toPrecision(3));
