/**
 * What of a figure may be drawn: a figure in a notebook may be a stranger's, and looking at it must ask the network for
 * nothing. Images stand in the figure as data; styles in texts name no address.
 *
 * plotly.js takes a few tags in its texts, with any style, and templates put one text into another. So that no tag can be
 * put together from pieces, a tag stays only if it stands in one text as a whole, without a place for another text.
 */

/** A figure as JSON. */
export interface FigureJson {
  readonly data: readonly Readonly<Record<string, unknown>>[];
  readonly layout?: Readonly<Record<string, unknown>>;
}

/** The traces that plotly.js-basic-dist-min draws; plotly.js-dist-min draws the others. */
export const basicTraces: ReadonlySet<string> = new Set(["bar", "pie", "scatter"]);

/**
 * Whether the basic bundle of plotly.js draws every trace.
 *
 * @example
 * isBasic({ data: [{ type: "histogram" }] }); // false
 */
export const isBasic = ({ data }: FigureJson) =>
  data.every((trace) => basicTraces.has(String(trace?.type ?? "scatter")));

/**
 * The traces that are drawn on maps, which plotly.js fetches.
 *
 * @example
 * mapTraces({ data: [{ type: "scattergeo" }, { type: "bar" }] }); // ["scattergeo"]
 */
export function mapTraces({ data }: FigureJson): string[] {
  return data
    .map((trace) => String(trace?.type))
    .filter((type) => /geo|map|^choropleth$/.test(type) && !/^(heat|tree)map$/.test(type));
}

/**
 * The traces that need WebGL, which there is only in a browser.
 *
 * @example
 * webglTraces({ data: [{ type: "surface" }, { type: "scattergl" }] }); // ["surface"]
 */
export function webglTraces({ data }: FigureJson): string[] {
  return data
    .map((trace) => String(trace?.type))
    .filter((type) => /3d$|^(surface|cone|streamtube|isosurface|volume|splom|parcoords)$/.test(type));
}

/**
 * The same figure without addresses that plotly.js would fetch: sources of images other than PNG, JPEG, GIF, WebP and SVG
 * as data, and styles of texts that are more than words, numbers and colours.
 *
 * @example
 * offline({ images: [{ source: "https://example.com/a.png" }] }); // { images: [{ source: "" }] }
 * offline("<b style='background:url(a.png)'>bold</b>"); // "<b>bold</b>"
 */
export function offline<Value>(value: Value): Value {
  return cleaned(value, { isSource: false, isUser: false }) as Value;
}

interface Place {
  /** Strings here are addresses. */
  readonly isSource: boolean;
  /** In `customdata` and `meta`, where names mean nothing to plotly.js. */
  readonly isUser: boolean;
}

function cleaned(value: unknown, place: Place): unknown {
  if (typeof value === "string") return place.isSource && !place.isUser && !isData(value) ? "" : cleanText(value);
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  if (!Array.isArray(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleaned(inner, placeOf(key, place))]));
  // a button's arguments may name what they change: ["images[0].source", "https://…"]
  return value.map((inner, i) => cleaned(inner, { ...place, isSource: place.isSource || isSourceName(value[i - 1]) }));
}

const placeOf = (key: string, { isUser }: Place): Place => ({
  isSource: isSourceName(key),
  isUser: isUser || key === "customdata" || key === "meta",
});

const isSourceName = (name: unknown) => typeof name === "string" && /source$/i.test(name);
const isData = (text: string) => /^data:image\/(png|jpeg|gif|webp|svg\+xml)[;,]/i.test(text);

/** A tag that is not whole becomes text. */
const cleanText = (text: string) =>
  text.includes("<")
    ? text.replace(/<([^<>]*)(>?)/g, (tag, inner: string, end: string) =>
        end === "" ? `&lt;${inner}` : cleanTag(tag, inner),
      )
    : text;

function cleanTag(tag: string, inner: string) {
  const isWhole = !inner.includes("%{");
  const styles = [...inner.matchAll(/style\s*=\s*("[^"]*"|'[^']*')/gi)];
  const count = inner.match(/style\s*=/gi)?.length ?? 0;
  if (isWhole && styles.length === count && styles.every(([, style]) => isPlainStyle(style!.slice(1, -1)))) return tag;
  return `<${/^\/?\w*/.exec(inner)![0]}>`;
}

const isPlainStyle = (style: string) =>
  /^[\w\s:;#.,%+'"-]*$/.test(style.replace(/\b(rgb|hsl)a?\([\d\s.,%/-]*\)/gi, ""));
