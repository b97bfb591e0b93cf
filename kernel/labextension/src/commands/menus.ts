/** Commands, and where they are found: launcher card, help menu, command palette. */

import type { JupyterFrontEnd } from "@jupyterlab/application";
import type { ICommandPalette } from "@jupyterlab/apputils";
import type { ILauncher } from "@jupyterlab/launcher";
import type { IMainMenu } from "@jupyterlab/mainmenu";
import type { INotebookTracker } from "@jupyterlab/notebook";

import iconUrl from "srft-icon";
import { snippets } from "./snippets.ts";
import { openTour } from "./tour.ts";

/** Places for commands; JupyterLab and Notebook 7 do not both have all of them. */
export interface Places {
  readonly launcher: ILauncher | null;
  readonly menu: IMainMenu | null;
  readonly palette: ICommandPalette | null;
  readonly notebooks: INotebookTracker | null;
}

const category = "TypeScript (srft)";
const paper = "https://arxiv.org/abs/2506.19767";

/** Adds the commands. */
export function addCommands(app: JupyterFrontEnd, { launcher, menu, palette, notebooks }: Places): void {
  const add = (id: string, label: string, execute: (args: Readonly<Record<string, unknown>>) => unknown) => {
    app.commands.addCommand(id, { label, execute });
    palette?.addItem({ command: id, category });
  };
  add("srft:tour", "TypeScript (srft) tour", ({ cwd }) => openTour(app, typeof cwd === "string" ? cwd : ""));
  add("srft:paper", "SRFT, the paper", () => window.open(paper, "_blank", "noopener"));
  if (notebooks) addSnippets(app, notebooks, palette);
  launcher?.add({ command: "srft:tour", category: "Notebook", rank: 50, kernelIconUrl: iconUrl });
  menu?.helpMenu.addGroup([{ command: "srft:tour" }, { command: "srft:paper" }], 7);
}

function addSnippets(app: JupyterFrontEnd, notebooks: INotebookTracker, palette: ICommandPalette | null) {
  const editor = () => (notebooks.activeCell?.model.type === "code" ? notebooks.activeCell.editor : null);
  for (const { name, code } of snippets) {
    const command = `srft:snippet-${name.toLowerCase().replace(/\W+/g, "-")}`;
    app.commands.addCommand(command, {
      label: `Snippet: ${name}`,
      caption: code,
      isEnabled: () => editor() !== null,
      execute: () => {
        const target = editor();
        target?.replaceSelection?.(code);
        target?.focus();
      },
    });
    palette?.addItem({ command, category });
  }
}
