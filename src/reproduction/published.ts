/**
 * Every published number that our notebooks show, in one file with its source: notebooks/data/published.json. Percent
 * unless a unit is given. The paper has one run for each number and no error bars.
 */

import { readFileSync } from "node:fs";

/** A printed table. */
export interface PublishedTable {
  readonly title: string;
  readonly source: string;
  /** Benchmarks, in the printed order. */
  readonly columns: readonly string[];
  /** The column with their mean. */
  readonly average: string;
  readonly oodColumns?: readonly string[];
  readonly oodAverage?: string;
  readonly rows: readonly (Readonly<Record<string, string | number | boolean>> & { readonly method: string })[];
}

/** What others measured of the same methods. */
export interface IndependentResult {
  readonly source: string;
  readonly values: readonly (Readonly<Record<string, string | number>> & { readonly method: string })[];
}

export interface Published {
  readonly tables: Readonly<Record<"T1" | "T2" | "T3", PublishedTable>>;
  readonly cameraReady: {
    readonly source: string;
    readonly values: readonly (Readonly<Record<string, string | number>> & { readonly what: string })[];
  };
  readonly independent: readonly IndependentResult[];
  /** Claims of figures, in our words. */
  readonly statements: Readonly<Record<string, { readonly source: string; readonly text: string }>>;
  /** Where the paper contradicts itself. */
  readonly inconsistencies: readonly string[];
}

/**
 * The published numbers.
 *
 * @example
 * published().tables.T2.rows.find(({ method }) => method === "SRFT").average; // 59.5
 */
export function published(): Published {
  return JSON.parse(
    readFileSync(new URL("../../../notebooks/data/published.json", import.meta.url), "utf8"),
  ) as Published;
}

/**
 * "figure 2(a): …", what a claim table shows of the paper.
 *
 * @throws {TypeError} If there is no such statement.
 * @example
 * paperSays("fig5"); // "SRFT, arXiv 2506.19767v1, figure 5: one stage of …"
 */
export function paperSays(name: string): string {
  const { statements } = published();
  const statement = statements[name];
  if (!statement) {
    throw new TypeError(`paperSays: expected ${Object.keys(statements).join(", ")} but found ${name}`);
  }
  return `${statement.source}: ${statement.text}`;
}

/**
 * A number of a table with its method and source.
 *
 * @throws {TypeError} If the table has no such row or column.
 * @example
 * publishedValue("T1", "SFT→RL", "average"); // 52.5
 */
export function publishedValue(table: keyof Published["tables"], method: string, column: string): number {
  const { rows } = published().tables[table];
  const value = rows.find((row) => row.method === method)?.[column];
  if (typeof value !== "number") {
    const known = rows.map((row) => row.method).join(", ");
    throw new TypeError(`publishedValue: expected a number of ${known} but found ${value} for ${method}, ${column}`);
  }
  return value;
}

/**
 * What others measured of a method, each with its source; "not found" where nobody did.
 *
 * @example
 * independentlyMeasured("SRFT"); // "44.2 (HPT, …); 53.2 (Limozin et al., …); …"
 */
export function independentlyMeasured(method: string): string {
  const found = published().independent.flatMap(({ source, values }) =>
    values.filter((row) => row.method === method).map((row) => `${row.average} (${source})`),
  );
  return found.length > 0 ? found.join("; ") : "not found";
}
