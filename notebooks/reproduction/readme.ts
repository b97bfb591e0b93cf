/** What README shows of the notebooks, made from them as they are committed: two pictures and the table of verdicts. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { joined, type MultilineText } from "../../kernel/notebook/notebook.ts";
import { type MethodScore, methodComparison } from "../../src/plots/training/method-comparison.ts";
import type { JudgedClaim } from "../../src/reproduction/claims.ts";
import { codeOf, committed, paperNotebooks, type Reproduced, root } from "./executed.ts";
import { type FullRun, fullRuns, sizeText } from "./full-run.ts";
import { verdictTable } from "./verdict-tables.ts";

/** The files that follow from the committed notebooks, by their path in the repository. */
export async function readmeFiles(): Promise<ReadonlyMap<string, string>> {
  const all = paperNotebooks().map(committed);
  const ablation = all.find(({ name }) => name.startsWith("08"))!;
  return new Map([
    ["notebooks/images/training-curves.svg", `${drawnBy(committed(firstNotebook), "trainingCurves(runs)").trim()}\n`],
    ["notebooks/images/ablation.svg", `${await ablationFigure(ablation, fullRuns().get(ablation.name)).svg()}\n`],
    ["README.md", withTable(readFileSync(join(root, "README.md"), "utf8"), verdictTable(all, fullRuns()))],
  ]);
}

const firstNotebook = "01-srft-in-five-minutes.ipynb";

/** The static drawing that a cell's output holds. */
function drawnBy({ name, notebook }: Reproduced, code: string): string {
  const cell = notebook.cells.filter(({ cell_type }) => cell_type === "code")[codeOf(notebook).indexOf(code)];
  const drawings = (cell?.outputs ?? []).flatMap((output) =>
    "data" in output && output.data["image/svg+xml"] ? [output.data["image/svg+xml"] as MultilineText] : [],
  );
  if (drawings.length !== 1) throw new RangeError(`readme: expected a drawing of ${code} in ${name} but found none`);
  return joined(drawings[0]!);
}

/** Every variant of SRFT: how many steps more than SRFT it needs, with its interval; a panel a size of run. */
export function ablationFigure({ claims }: Reproduced, long?: FullRun) {
  const panel = (measure: string, from: readonly JudgedClaim[]): MethodScore[] =>
    from.flatMap(({ id, claim, found }) =>
      id.endsWith("-steps")
        ? [{ method: claim.replace(/: slower than SRFT$/, ""), measure, mean: found!.mean, interval: found! }]
        : [],
    );
  const seeds = Math.max(...claims.map(({ found }) => found?.n ?? 0));
  const scores = [
    ...panel(`default, ${seeds} seeds`, claims),
    ...(long ? panel(`long, ${sizeText(long)}`, long.claims) : []),
  ];
  const caption = "mean and 95 % interval over the seeds, each variant paired with SRFT; right of 0 is slower";
  return methodComparison(scores, {
    title: "SRFT's variants: how much slower",
    caption,
    unit: "steps to reward 0.9, minus SRFT's",
  });
}

function withTable(readme: string, table: string): string {
  const shown = /(?<=<summary>The verdicts<\/summary>\n\n)\|[\s\S]*?(?=\n\n<\/details>)/;
  if (!shown.test(readme)) throw new RangeError("readme: expected the table under The verdicts but found none");
  return readme.replace(shown, () => table);
}
