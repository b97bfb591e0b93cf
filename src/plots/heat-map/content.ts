/** What a token heat map shows, before it is drawn as HTML or SVG. Texts are visible ones, not yet escaped. */

import type { HeatMeasure, Shade } from "./colors.ts";

/** One token on its background. */
export interface HeatToken {
  readonly text: string;
  readonly shade: Shade;
  /** Numbers for the tooltip, one a line. */
  readonly details: string;
  /** Whether the token holds a line break. */
  readonly endsLine: boolean;
}

/** One text read by one model. */
export interface HeatBlock {
  readonly heading: string;
  readonly prompt: string;
  readonly tokens: readonly HeatToken[];
}

/** All that is drawn. */
export interface HeatMapContent {
  readonly title: string;
  readonly caption: string;
  readonly measure: HeatMeasure;
  readonly limit: number;
  readonly blocks: readonly HeatBlock[];
}
