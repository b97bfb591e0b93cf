/**
 * The only file that talks to TypeScript 7, whose API is unstable: package.json pins the version. Files live in memory
 * or on disk; the compiler is a process of its own that asks for them.
 */

import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import { SyntaxKind } from "typescript/unstable/ast";
import {
  API,
  type Checker,
  CompletionItemKind,
  type Diagnostic,
  type Program,
  type Project,
  SignatureKind,
  type Snapshot,
  SymbolFlags,
  TypeFlags,
  type Symbol as TypeSymbol,
} from "typescript/unstable/sync";

export type { Checker, Diagnostic, Project, TypeSymbol };
export { CompletionItemKind, SignatureKind, SymbolFlags, SyntaxKind, TypeFlags };

/** The compiler, with files of our own. */
export interface Engine {
  /** Path of the tsconfig.json that holds for the folder, where there is one. */
  readonly config: string | undefined;
  /** Path of a file of the notebook's folder, as the compiler names it. */
  path(name: string): string;
  /** Sets a file, or takes it away, from the next view on. */
  set(name: string, text: string | undefined): void;
  /** The program as the files are now; earlier views are no longer valid. */
  view(): Project;
  close(): void;
}

const root = join(import.meta.dirname, "../../..");

/** Names of the two files that the program starts from; the cell at hand is one, the other is empty. */
export const rootFiles = ["__srft_cell.ts", "__srft_cell.tsx"] as const;

/** What the kernel decides, whatever the folder's tsconfig.json says: how cells run, and what a cell need not do. */
const fixedOptions = {
  module: "esnext",
  moduleResolution: "bundler",
  moduleDetection: "force",
  noEmit: true,
  composite: false,
  incremental: false,
  declaration: false,
  isolatedDeclarations: false,
  isolatedModules: false,
  verbatimModuleSyntax: false,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  skipLibCheck: true,
  noUnusedLocals: false,
  noUnusedParameters: false,
};

/** What holds where there is no tsconfig.json. */
const defaultOptions = {
  strict: true,
  useUnknownInCatchVariables: false,
  strictPropertyInitialization: false,
  target: "es2024",
  lib: ["es2024", "esnext.disposable"],
  jsx: "preserve",
};

/**
 * Starts the compiler for one notebook.
 *
 * @param folder Absolute path of the notebook's folder.
 * @example
 * const engine = createEngine("/tmp");
 * engine.set(rootFiles[0], "const n: number = 'one'");
 * engine.view().program.getSemanticDiagnostics(engine.path(rootFiles[0])).length; // 1
 * engine.close();
 */
export function createEngine(folder: string): Engine {
  const path = (name: string) => slashed(join(folder, name));
  const config = path("__srft_tsconfig.json");
  const nearest = nearestConfig(folder);
  const files = new Map<string, string>([[config, projectConfig(nearest)]]);
  for (const name of rootFiles) files.set(path(name), "export {}");
  const api = new API({ cwd: folder, fs: fileSystem(folder, files) });
  const created = new Set<string>();
  const changed = new Set<string>();
  const deleted = new Set<string>();
  const seen = new Map<string, number | undefined>();
  let snapshot: Snapshot | undefined;
  const projectOf = (current: Snapshot) => current.getProject(config) ?? current.getProjects()[0]!;
  const edited = () => [...seen].filter(([file, time]) => changeTime(file) !== time).map(([file]) => file);
  return {
    config: nearest,
    path,
    set(name, source) {
      const file = path(name);
      const text = source?.replace(/\p{Surrogate}/gu, "\ufffd"); // the compiler ends at a lone one
      if (files.get(file) === text) return;
      (text === undefined ? deleted : files.has(file) ? changed : created).add(file);
      if (text === undefined) files.delete(file);
      else files.set(file, text);
    },
    view() {
      for (const file of edited()) changed.add(file);
      const previous = snapshot;
      if (!previous) snapshot = api.updateSnapshot({ openProjects: [config] });
      else if (changed.size + created.size + deleted.size > 0) {
        const fileChanges = { changed: [...changed], created: [...created], deleted: [...deleted] };
        snapshot = api.updateSnapshot({ fileChanges });
        previous.dispose();
        for (const file of ownFiles(projectOf(snapshot).program, files)) seen.set(file, changeTime(file));
      }
      for (const set of [changed, created, deleted]) set.clear();
      return projectOf(snapshot!);
    },
    close: () => api.close(),
  };
}

const slashed = (path: string) => path.replaceAll("\\", "/");

const changeTime = (file: string) => statSync(file, { throwIfNoEntry: false })?.mtimeMs;

/** Files of the notebook's author, which may change between two cells. */
const ownFiles = (program: Program, files: ReadonlyMap<string, string>) =>
  program.getSourceFileNames().filter((name) => !/^bundled:|\/node_modules\//.test(name) && !files.has(name));

const nearestConfig = (folder: string) =>
  ancestors(folder)
    .map((parent) => join(parent, "tsconfig.json"))
    .find(existsSync);

function projectConfig(nearest: string | undefined) {
  const base = nearest ? { extends: slashed(nearest) } : {};
  const globals = slashed(join(root, "kernel/types/globals.d.ts"));
  const compilerOptions = { ...(nearest ? {} : defaultOptions), ...fixedOptions, types: ["node"] };
  return JSON.stringify({ ...base, compilerOptions, files: [...rootFiles, globals], include: [] });
}

const ancestors = (folder: string): string[] =>
  dirname(folder) === folder ? [folder] : [folder, ...ancestors(dirname(folder))];

/**
 * Our files, and a `node_modules` at the root of the disk, where the search for a package ends: it holds srft and the
 * packages that srft has.
 */
function fileSystem(folder: string, files: ReadonlyMap<string, string>) {
  const last = `${slashed(parse(folder).root)}node_modules`;
  const places = ancestors(root).map((parent) => join(parent, "node_modules"));
  const beyond = (path: string): string | undefined => {
    if (path !== last && !path.startsWith(`${last}/`)) return undefined;
    if (existsSync(path)) return undefined;
    const rest = path.slice(last.length + 1);
    if (rest === "srft" || rest.startsWith("srft/")) return join(root, rest.slice("srft/".length));
    return places.map((place) => join(place, rest)).find(existsSync);
  };
  const has = (kind: "isFile" | "isDirectory") => (path: string) => {
    if (files.has(path)) return kind === "isFile";
    const target = beyond(path);
    return target === undefined ? undefined : Boolean(statSync(target, { throwIfNoEntry: false })?.[kind]());
  };
  return {
    fileExists: has("isFile"),
    directoryExists: has("isDirectory"),
    readFile: (path: string) => {
      const target = beyond(path);
      return files.get(path) ?? (target === undefined ? undefined : readFileSync(target, "utf8"));
    },
    realpath: (path: string) => {
      const target = beyond(path);
      return target === undefined ? undefined : slashed(realpathSync(target));
    },
  };
}
