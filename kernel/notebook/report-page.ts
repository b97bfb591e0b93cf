/** The style and the script of a report's page. */

/** Light and dark by the reader's system; prints with all frames at full height. */
export const pageStyle = `
:root { color-scheme: light dark; --ink: #1d2330; --paper: #fff; --soft: #f5f6f8; --line: #d9dde5; --link: #0b57a4; --bad: #b3261e; --warn: #8a5a00 }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e3e6ec; --paper: #14171c; --soft: #1d2128; --line: #363c47; --link: #8ab8f0; --bad: #ff8a80; --warn: #e0b060 } }
* { box-sizing: border-box }
body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.6 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 1rem 1.25rem 4rem }
nav { max-width: 60rem; margin: 1rem auto 0; padding: 0 1.25rem; font-size: .9rem }
nav ol { list-style: none; margin: 0; padding: .5rem 1rem; border-left: 3px solid var(--line) }
nav .level-2 { padding-left: 1rem } nav .level-3 { padding-left: 2rem }
nav details { margin: 0 0 .3rem } nav summary { font-size: .85em } nav details ol { padding: 0; border: 0 }
@media (min-width: 90rem) { nav { position: fixed; top: 1rem; left: 1rem; width: 14rem; max-height: 95vh; overflow: auto; padding: 0 } }
a { color: var(--link) }
h1, h2, h3 { line-height: 1.25; margin: 1.6em 0 .5em }
pre, code { font: .86rem/1.45 ui-monospace, Menlo, Consolas, monospace }
pre { overflow-x: auto; padding: .6rem .8rem; margin: .4rem 0; background: var(--soft); border-radius: 6px }
:not(pre) > code { background: var(--soft); padding: .1em .3em; border-radius: 4px }
details { margin: .6rem 0 0 } summary { cursor: pointer; color: inherit; opacity: .75; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.count { font: .8rem ui-monospace, monospace }
.output { margin: .4rem 0 } pre.stdout { background: none; padding: 0 } pre.stderr { border-left: 3px solid var(--warn) } pre.error { border-left: 3px solid var(--bad) }
img { max-width: 100%; height: auto } .output img { background: #fff; border-radius: 6px }
iframe { width: 100%; height: 4rem; border: 0; display: block }
table { border-collapse: collapse; display: block; overflow-x: auto } th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top } .text table { font-size: .85rem; line-height: 1.4 }
blockquote { margin: 0; padding: 0 1rem; border-left: 3px solid var(--line) }
.bold { font-weight: bold } .red { color: var(--bad) } .green { color: #2e7d32 } .yellow { color: var(--warn) } .blue { color: var(--link) } .magenta { color: #9c4dcc } .cyan { color: #00838f }
.html th, .html td { text-align: right } .html p { margin: .2rem 0; font-size: .85rem; opacity: .8 } .html table { font-size: .9rem; font-variant-numeric: tabular-nums }
.figure { overflow-x: auto } .figure .modebar-container { left: auto !important }
@media print {
  :root { color-scheme: light }
  body { font-size: 10.5pt } main { max-width: none; padding: 0 }
  nav, details:not([open]), .modebar-container { display: none !important }
  .output, .figure, img, table, pre { break-inside: avoid-page } h1, h2, h3 { break-after: avoid-page }
  .html table { font-size: 7.5pt } .html th, .html td { padding: 1px 4px }
  pre { white-space: pre-wrap; font-size: 7.5pt; padding: .3rem } a { color: inherit } .figure { overflow: visible }
}
`;

/**
 * Gives each frame the height it tells; only a frame of this page is heard. It stands before the first frame. A table
 * that is wider than the page can be reached, and so scrolled, by keyboard.
 */
export const pageScript = `
addEventListener("message", (event) => {
  const height = event.data && event.data.srftHeight;
  if (!(height > 0)) return;
  for (const frame of document.querySelectorAll("iframe"))
    if (frame.contentWindow === event.source) frame.style.height = Math.min(Math.max(height, 16), 20000) + "px";
});
for (const moment of ["load", "resize"])
  addEventListener(moment, () => {
    for (const table of document.querySelectorAll("main table"))
      if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
      else table.removeAttribute("tabindex");
  });
`;
