/** What a name means: its declaration with its type, and its documentation. */

import type { Spot } from "./completion.ts";
import { type Project, SignatureKind, SymbolFlags, SyntaxKind, TypeFlags, type TypeSymbol } from "./engine.ts";
import { identifierBefore, withoutFiles } from "./text.ts";

/** Hover text, as the reply to an inspection carries it. */
export interface Inspection {
  readonly found: boolean;
  readonly data: { readonly "text/markdown"?: string; readonly "text/plain"?: string };
}

const nothing: Inspection = { found: false, data: {} };

/** Flags of the printer: names of types from other files as they are; types in full; what an alias stands for. */
const usualFlags = 0x4000;
const noTruncation = 1;
const insideAlias = 0x800000;

/**
 * Describes the name at a place, or the function whose arguments stand there.
 *
 * @param detail 1 gives long types in full.
 * @returns "absent" where the type is not known.
 * @example
 * inspection(spotOf("entropyWeights(0)", 3), project, 0).found; // true
 */
export function inspection(spot: Spot, project: Project, detail: 0 | 1): Inspection | "absent" {
  const place = namePlaces(spot.code, spot.at).find((at) => symbolAt(spot, at));
  if (place === undefined) return typeIsAny(spot, spot.at) ? "absent" : nothing;
  const symbol = symbolAt(spot, place)!;
  const target = symbol.flags & SymbolFlags.Alias ? spot.checker.getAliasedSymbol(symbol) : symbol;
  if (target.flags & SymbolFlags.Variable && typeIsAny(spot, place)) return "absent";
  const declaration = withoutFiles(describe({ spot, project, place, detail, symbol: target, name: symbol.name }));
  const text = target.getDocumentationComment(spot.checker).trim();
  const tags = target.getJsDocTags(spot.checker).map(({ name, text: body = "" }) => ({ name, body: body.trim() }));
  const markdown = [`\`\`\`typescript\n${declaration}\n\`\`\``, text, tags.map(markdownTag).join("\n\n")];
  const plain = [declaration, text, tags.map(({ name, body }) => `@${name} ${body}`.trim()).join("\n")];
  return { found: true, data: { "text/markdown": paragraphs(markdown), "text/plain": paragraphs(plain) } };
}

const paragraphs = (parts: readonly string[]) => parts.filter((part) => part !== "").join("\n\n");

function markdownTag({ name, body }: { name: string; body: string }) {
  if (name === "example" && !body.includes("```")) return `*@example*\n\n\`\`\`typescript\n${body}\n\`\`\``;
  const [, parameter, rest] = name === "param" ? (/^(\S+)\s*([\s\S]*)$/.exec(body) ?? []) : [];
  return parameter ? `*@param* \`${parameter}\` ${rest}`.trim() : `*@${name}* ${body}`.trim();
}

/** The name at the cursor, else the one before the innermost open parenthesis. */
function namePlaces(code: string, at: number): number[] {
  const touching = identifierBefore(code, at).length > 0 || /^[\p{ID_Start}$_]/u.test(code.slice(at));
  const here = touching ? [at, at - 1] : [];
  let depth = 0;
  for (let place = at - 1; place >= 0; place--) {
    if (code[place] === ")") depth++;
    else if (code[place] === "(" && depth-- === 0) return [...here, code.slice(0, place).trimEnd().length - 1];
  }
  return here;
}

const symbolAt = ({ checker, file, start }: Spot, at: number) =>
  at < 0 ? undefined : checker.getSymbolAtPosition(file, start + at);

const typeIsAny = ({ checker, file, start }: Spot, at: number) =>
  ((checker.getTypeAtPosition(file, start + at)?.flags ?? 0) & TypeFlags.Any) !== 0;

interface Subject {
  readonly spot: Spot;
  readonly project: Project;
  readonly place: number;
  readonly detail: 0 | 1;
  readonly symbol: TypeSymbol;
  readonly name: string;
}

function describe({ spot, project, place, detail, symbol, name }: Subject): string {
  const { checker, file, start } = spot;
  const flags = symbol.flags;
  if (flags & SymbolFlags.Class) return `class ${name}`;
  if (flags & SymbolFlags.Interface && !(flags & SymbolFlags.Value)) return `interface ${name}`;
  if (flags & SymbolFlags.Enum) return `enum ${name}`;
  if (flags & SymbolFlags.Module && !(flags & SymbolFlags.Value)) return `namespace ${name}`;
  const truncation = usualFlags | (detail === 1 ? noTruncation : 0);
  const toText = (type: Parameters<typeof checker.typeToString>[0], more = 0) =>
    checker.typeToString(type, undefined, truncation | more);
  if (flags & SymbolFlags.TypeAlias)
    return `type ${name} = ${toText(checker.getDeclaredTypeOfSymbol(symbol), insideAlias)}`;
  const type = checker.getTypeAtPosition(file, start + place) ?? checker.getTypeOfSymbol(symbol);
  if (!type) return name;
  const signatures =
    flags & (SymbolFlags.Function | SymbolFlags.Method) ? checker.getSignaturesOfType(type, SignatureKind.Call) : [];
  const lines = signatures.slice(0, detail === 1 ? undefined : 5).flatMap((signature) => {
    const node = checker.signatureToSignatureDeclaration(signature, SyntaxKind.CallSignature, undefined, truncation);
    return node ? [`${flags & SymbolFlags.Function ? "function " : ""}${name}${printed(project, node)}`] : [];
  });
  return lines.length > 0 ? lines.join("\n") : `${variableWord(spot, flags, name)}${name}: ${toText(type)}`;
}

const printed = (project: Project, node: Parameters<Project["emitter"]["printNode"]>[0]) =>
  project.emitter.printNode(node).replace(/;$/, "");

function variableWord({ code, history }: Spot, flags: number, name: string) {
  if (!(flags & SymbolFlags.Variable)) return "";
  const own = new RegExp(`\\b(let|var)\\s[^;=]*${name.replaceAll("$", "\\$")}(?![\\p{ID_Continue}$])`, "u").exec(
    code,
  )?.[1];
  return `${own ?? (/variable|loose/.test(history.declared.get(name)?.kind ?? "") ? "let" : "const")} `;
}
