/** Runs every *.test.js below dist/test, or those whose path contains an argument: node dist/test/run.js objectives */

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

const wanted = process.argv.slice(2);
const files = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.js") && (wanted.length === 0 || wanted.some((word) => file.includes(word))))
  .map((file) => join(import.meta.dirname, file))
  .sort();
if (files.length === 0)
  throw new Error(`run: expected a test whose path contains ${wanted.join(" or ")} but found none`);
const limit = process.env.SRFT_FULL === "1" ? [] : ["--test-timeout=600000"]; // a test that hangs is a test that fails
const atOnce = Math.max(2, availableParallelism() - 1); // half of the time a file waits for a browser or a kernel
const flags = ["--test", "--test-reporter=spec", `--test-concurrency=${atOnce}`, ...limit];
const { status } = spawnSync(process.execPath, [...flags, ...files], { stdio: "inherit" });
process.exit(status ?? 1);
