/** The messages of the Jupyter protocol 5.4 that we speak, and what we say of ourselves. */

import { readFileSync } from "node:fs";

/** The version of the protocol. */
export const protocolVersion = "5.4";

/** Who said what when; `msg_id` is the sender's. */
export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly username: string;
  readonly session: string;
  readonly date: string;
  readonly version: string;
}

/** A message; `identities` are the routing frames to echo in the reply. */
export interface Message<Content = Record<string, unknown>> {
  readonly identities: readonly Uint8Array[];
  readonly header: Header;
  readonly parent: Header | Record<string, never>;
  readonly metadata: Record<string, unknown>;
  readonly content: Content;
  readonly buffers: readonly Uint8Array[];
}

/** What a front end asks to run. */
export interface ExecuteRequest {
  readonly code: string;
  readonly silent?: boolean;
  readonly store_history?: boolean;
  readonly stop_on_error?: boolean;
  readonly allow_stdin?: boolean;
  readonly user_expressions?: Record<string, string>;
}

/** A kernel's connection file. */
export interface Connection {
  readonly transport: string;
  readonly ip: string;
  readonly key: string;
  readonly signature_scheme?: string;
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
}

/** The version of this package. */
export const packageVersion = () =>
  (JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string }).version;

/** The kernel's language as notebooks record it. */
export const languageInfo = {
  name: "typescript",
  version: "7.0",
  mimetype: "text/typescript",
  file_extension: ".ts",
  codemirror_mode: { name: "javascript", typescript: true },
  nbconvert_exporter: "script",
  pygments_lexer: "typescript",
} as const;

/** The content of kernel_info_reply. */
export const kernelInfo = () => ({
  status: "ok",
  protocol_version: protocolVersion,
  implementation: "srft",
  implementation_version: packageVersion(),
  language_info: languageInfo,
  banner: `srft ${packageVersion()}, TypeScript on Node ${process.versions.node}`,
  help_links: [
    { text: "TypeScript", url: "https://www.typescriptlang.org/docs/" },
    { text: "Node.js", url: `https://nodejs.org/docs/latest-v${process.versions.node.split(".")[0]}.x/api/` },
  ],
  debugger: false,
  supported_features: [],
});
