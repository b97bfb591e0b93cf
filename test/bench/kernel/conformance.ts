/** How many tests of jupyter_kernel_test our kernel and the other kernels for TypeScript pass. */

import { findSuite, ourselves, passedOf, runSuite, type Subject } from "../../conformance/jupyter-kernel-test.ts";
import type { BenchRow } from "../row.ts";
import type { Kernel } from "./peers.ts";

const tests = 12;

/** The cells that each peer has for what the suite asks; an empty one where it has none. */
const cells: Partial<Record<Kernel["name"], Pick<Subject, "display" | "clear" | "page">>> = {
  tslab: { display: 'import * as tslab from "tslab"; tslab.display.html("<b>x</b>")', clear: "", page: "" },
  deno: {
    display: "await Deno.jupyter.display(Deno.jupyter.html`<b>x</b>`)",
    clear: 'await Deno.jupyter.broadcast("clear_output", { wait: false })',
    page: "",
  },
};

/** A row a peer; the suite runs by SRFT_PYTHON or, where that has none, by a Python with Debian's package. */
export function suiteRows(kernels: readonly Kernel[]): BenchRow[] {
  const { runner, reason } = findSuite();
  if (reason) return [row("jupyter_kernel_test", { ours: 0, peer: null, note: reason })];
  const own = passedOf(runSuite(runner, ourselves));
  return kernels.flatMap((kernel) => {
    const asked = cells[kernel.name];
    if (!asked) return [];
    const peer = passedOf(runSuite(runner, { name: kernel.name, argv: kernel.command("{connection_file}"), ...asked }));
    return [row(`jupyter_kernel_test (${kernel.name})`, { ours: own, peer, note: `${kernel.name} ${kernel.version}` })];
  });
}

const row = (name: string, { ours, peer, note }: Pick<BenchRow, "ours" | "peer" | "note">): BenchRow => ({
  ...{ name, ours, peer, unit: `of ${tests} tests`, ratio: null, target: tests, ok: ours >= tests, note },
});
