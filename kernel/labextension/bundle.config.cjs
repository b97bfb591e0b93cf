/** Compiles the extension's TypeScript, and takes in files of the package that it carries: the tour and the picture. */

const { join } = require("node:path");

const root = join(__dirname, "../..");
const typescript = { jsc: { parser: { syntax: "typescript" }, target: "es2022" } };

const withoutOutputs = (text) => {
  const { cells, ...notebook } = JSON.parse(text);
  const empty = { outputs: [], execution_count: null };
  return { ...notebook, cells: cells.map((cell) => (cell.cell_type === "code" ? { ...cell, ...empty } : cell)) };
};

module.exports = {
  resolve: {
    alias: {
      "srft-tour$": join(root, "notebooks/00-tour.ipynb"),
      "srft-icon$": join(root, "kernel/assets/logo-svg.svg"),
    },
  },
  module: {
    rules: [
      { test: /\.ts$/, loader: "builtin:swc-loader", options: typescript },
      { test: /00-tour\.ipynb$/, type: "json", parser: { parse: withoutOutputs } },
      { resource: join(root, "kernel/assets/logo-svg.svg"), type: "asset/inline" },
    ],
  },
  performance: false,
};
