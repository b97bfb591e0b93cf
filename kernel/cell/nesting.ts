/**
 * Guards the native parser, which is recursive: a text nested some ten thousand levels deep overflows its stack and ends
 * the process. Texts that are too short to be so deep pass at once; the others are parsed first by a process of their own.
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** The least text that overflows a stack of 8 MB has 13,000 openers: functions called where they stand, 3,300 deep. */
const safeOpeners = 6000;

/** Words, brackets and operators may each open a level; numbers, commas and what closes one do not. */
const opener = /[\p{ID_Start}$_][\p{ID_Continue}$]*|[^\s\p{ID_Continue}$,;.)\]}"']/gu;

/** A parser may take its time for a long text, in milliseconds. */
const patience = 20_000;

/**
 * Says whether a text can be parsed without ending the process.
 *
 * @example
 * isParseable("(".repeat(50_000)); // false
 */
export function isParseable(source: string): boolean {
  if (source.length <= safeOpeners) return true;
  return countAtMost(source, safeOpeners) <= safeOpeners || survivesTrial(source);
}

function countAtMost(source: string, most: number) {
  let count = 0;
  for (const _ of source.matchAll(opener)) if (++count > most) break;
  return count;
}

function survivesTrial(source: string) {
  const trial = join(import.meta.dirname, "parse-trial.js");
  return spawnSync(process.execPath, [trial], { input: source, timeout: patience, stdio: "pipe" }).status === 0;
}
