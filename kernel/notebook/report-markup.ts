/**
 * HTML outputs that are no more than tables and text, so that they may stand in the report's page itself, where they
 * print whole and take its colours. Everything else stays in a frame without an origin.
 */

const tags = new Set(
  [
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "caption",
    "p",
    "div",
    "span",
    "b",
    "strong",
    "i",
    "em",
  ].concat([
    "small",
    "code",
    "pre",
    "sub",
    "sup",
    "ul",
    "ol",
    "li",
    "details",
    "summary",
    "progress",
    "bdi",
    "br",
    "hr",
    "wbr",
  ]),
);
const alone = new Set(["br", "hr", "wbr"]);
const token =
  /<(\/?)([a-z]+)((?: +(?:colspan|rowspan|scope|max|value|dir|lang|title)="[^"<>]*"| +class="mathjax_ignore tex2jax_ignore")*) *\/?>|[^<>]+/gy;

/**
 * Whether markup consists of tags of tables and text alone, with no attribute that does anything, every tag closed.
 *
 * @example
 * isPlainMarkup('<table><tr><td colspan="2">8</td></tr></table>'); // true
 * isPlainMarkup('<img src="x">'); // false
 */
export function isPlainMarkup(html: string): boolean {
  const open: string[] = [];
  let end = 0;
  for (const { 0: part, 1: slash, 2: tag, index } of html.matchAll(token)) {
    end = index + part.length;
    if (tag === undefined) continue;
    if (!tags.has(tag)) return false;
    if (alone.has(tag)) continue;
    if (slash === "") open.push(tag);
    else if (open.pop() !== tag) return false;
  }
  return end === html.length && open.length === 0;
}
