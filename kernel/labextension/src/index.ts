/** The part of the extension that needs JupyterLab's services. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { ILauncher } from "@jupyterlab/launcher";
import { IMainMenu } from "@jupyterlab/mainmenu";
import { INotebookTracker } from "@jupyterlab/notebook";
import { addCommands, type Places } from "./commands/menus.ts";
import { serveNotebooks } from "./notebooks.ts";

type Services = [Places["launcher"], Places["menu"], Places["palette"], Places["notebooks"]];

const plugin: JupyterFrontEndPlugin = {
  id: "srft:notebooks",
  description: "Widgets, type errors and the tour of TypeScript notebooks",
  autoStart: true,
  optional: [ILauncher, IMainMenu, ICommandPalette, INotebookTracker],
  activate(app: JupyterFrontEnd, ...[launcher, menu, palette, notebooks]: Services) {
    addCommands(app, { launcher, menu, palette, notebooks });
    if (notebooks) serveNotebooks(notebooks);
  },
};

// biome-ignore lint/style/noDefaultExport: JupyterLab loads an extension's default export
export default plugin;
