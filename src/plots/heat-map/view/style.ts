/** The view's style. It lives in a shadow root, so neither it nor the page's style reaches the other. */

/** Colours come from JupyterLab's theme or VS Code's where there is one, else from the page's colour scheme. */
export const viewStyle = `
:host { all: initial; display: block; color-scheme: inherit;
  --ink: var(--jp-content-font-color1, var(--vscode-editor-foreground, CanvasText));
  --paper: var(--jp-layout-color0, var(--vscode-editor-background, Canvas));
  --line: color-mix(in srgb, var(--ink) 28%, transparent);
  --soft: color-mix(in srgb, var(--ink) 6%, var(--paper));
  --quiet: color-mix(in srgb, var(--ink) 72%, var(--paper));
  font: 13px/1.5 system-ui, Arial, sans-serif; color: var(--ink); background: var(--paper) }
* { box-sizing: border-box }
.map { border: 1px solid var(--line); border-radius: 6px; overflow: hidden; background: var(--paper) }
header { padding: 8px 12px; border-bottom: 1px solid var(--line) }
h2 { font-size: 15px; line-height: 1.3; margin: 0 0 2px } p { margin: 0; color: var(--quiet) }
.tools { display: flex; flex-wrap: wrap; gap: 6px 16px; align-items: center; margin-top: 6px }
fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 10px; align-items: center }
legend { float: left; padding: 0; margin-right: 8px; color: var(--quiet) }
label { display: inline-flex; gap: 5px; align-items: center }
select, button { font: inherit; color: inherit; background: var(--soft); border: 1px solid var(--line); border-radius: 4px; padding: 2px 8px }
option { color: var(--ink); background: var(--paper) }
input { accent-color: #0072B2; margin: 0 }
input[type=range] { width: 160px }
select:focus-visible, button:focus-visible, input:focus-visible, .texts:focus-visible { outline: 2px solid #4a9be0; outline-offset: 1px }
.key { display: flex; flex-wrap: wrap; gap: 2px 0; margin: 6px 0 0; padding: 0; list-style: none; font-size: 12px }
.key li { padding: 1px 8px }
.texts { max-height: 440px; overflow: auto; padding: 4px 12px 12px; position: relative }
h3 { font-size: 12px; margin: 12px 0 2px; color: var(--quiet); font-weight: 600 }
.prompt { color: var(--quiet) }
.prompt, .chunk { font: 14px/1.75 "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(280px, 100%), 1fr)); gap: 4px 18px }
.row > div { min-width: 0 }
.name { font-size: 12px; font-weight: 600; border-bottom: 1px solid var(--line); margin-bottom: 2px; overflow-wrap: anywhere }
.chunk { content-visibility: auto }
.chunk span { border-radius: 2px; box-shadow: inset -1px 0 0 var(--paper); padding: 1px 0; cursor: default; forced-color-adjust: none }
.chunk span.special { text-decoration: underline dotted; text-underline-offset: 3px }
.chunk span.off { color: var(--quiet); background: none !important; }
.chunk span.same { outline: 1px dashed var(--ink) }
.chunk span.at { outline: 2px solid var(--ink); outline-offset: 0 }
.details { border-top: 1px solid var(--line); height: 236px; overflow: auto; padding: 6px 12px; background: var(--soft) }
.details:empty::before { content: attr(data-hint); color: var(--quiet) }
.details table { border-collapse: collapse; font-size: 12px }
.details th, .details td { text-align: start; padding: 1px 14px 1px 0; vertical-align: top; font-weight: normal; white-space: nowrap }
.details thead th { font-weight: 600 } .details th[scope=row] { color: var(--quiet) }
.details td { font-variant-numeric: tabular-nums }
.details code { font: 12px "DejaVu Sans Mono", Menlo, Consolas, monospace }
.bar { display: inline-block; height: 8px; background: #56B4E9; margin-right: 6px; border-radius: 1px; vertical-align: middle; forced-color-adjust: none }
.chosen { font-weight: 700; text-decoration: underline }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.wrong { padding: 8px 12px; border: 1px solid var(--line); border-left: 3px solid #D55E00 }
@media print { .chunk { content-visibility: visible } .texts { max-height: none; overflow: visible } .details, .tools { display: none } .chunk { content-visibility: auto }
.chunk span { print-color-adjust: exact } }
`;
