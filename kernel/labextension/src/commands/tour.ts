/** The tour: a copy of a shipped notebook, opened beside the user's own files, so that the shipped one stays as it is. */

import type { JupyterFrontEnd } from "@jupyterlab/application";

/** Writes a copy into a folder, under a name that is free, and opens it. */
export async function openTour({ serviceManager, commands }: JupyterFrontEnd, folder: string): Promise<void> {
  const { contents } = serviceManager;
  const [{ default: notebook }, { content }] = await Promise.all([
    import("srft-tour"),
    contents.get(folder, { content: true }),
  ]);
  const name = freeName(content.map((file) => file.name));
  const path = folder === "" ? name : `${folder}/${name}`;
  await contents.save(path, { type: "notebook", format: "json", content: notebook });
  await commands.execute("docmanager:open", { path });
}

function freeName(taken: readonly string[]): string {
  for (let i = 0; ; i++) {
    const name = `srft-tour${i === 0 ? "" : `-${i}`}.ipynb`;
    if (!taken.includes(name)) return name;
  }
}
