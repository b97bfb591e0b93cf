/** Spellings that tokens.ts reads as one: LaTeX commands, Unicode characters, English words. */

const words = (text: string) => new Set(text.split(" "));
const pairs = (text: string) => new Map(text.split(/\s+/).map((pair) => pair.split("=>") as [string, string]));

/** Commands that are operators. */
export const operatorCommands: ReadonlyMap<string, string> = pairs(
  `cdot=>* times=>* ast=>* div=>/ colon=>: pm=>± mp=>∓ le=>≤ leq=>≤ leqslant=>≤ ge=>≥ geq=>≥ geqslant=>≥ lt=>< gt=>>
   ne=>≠ neq=>≠ approx=>≈ simeq=>≈ in=>∈ cup=>∪ setminus=>∖ backslash=>∖ to=>→ rightarrow=>→ mid=>| vert=>| lvert=>|
   rvert=>| land=>, wedge=>, lor=>or vee=>or degree=>° circ=>°`,
);

/** Commands that are brackets. */
export const bracketCommands: ReadonlyMap<string, string> = pairs(
  `lbrace=>\\{ rbrace=>\\} lbrack=>[ rbrack=>] langle=>( rangle=>) lfloor=>⌊ rfloor=>⌋ lceil=>⌈ rceil=>⌉`,
);

/** Commands that are symbols under another name; Greek letters keep theirs. */
export const symbolCommands: ReadonlyMap<string, string> = pairs(
  `pi=>π infty=>∞ emptyset=>∅ varnothing=>∅ varepsilon=>epsilon varphi=>phi vartheta=>theta imath=>i jmath=>j`,
);

const greek = words(
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi omega " +
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell",
);

/** Whether a command is a letter. */
export const isGreek = (command: string) => greek.has(command);

/** Functions, as commands or plain words. */
export const functionNames = words(
  "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log lg exp sqrt frac binom",
);

/** Characters (or two of them) → the spelling of tokens.ts. */
export const characters: ReadonlyMap<string, string> = new Map([
  ...pairs(
    `−=>- –=>- ×=>* ·=>* ⋅=>* ÷=>/ ²=>^2 ³=>^3 **=>^ <==>≤ >==>≥ !==>≠ ≅=>≈ \\%=>% \\\\=>newline º=>° ∣=>| √=>sqrt
     α=>alpha β=>beta γ=>gamma δ=>delta θ=>theta λ=>lambda μ=>mu σ=>sigma τ=>tau φ=>phi ω=>omega ℝ=>R`,
  ),
  ["==", "="],
]);

/** Words that mean a symbol or an operator. */
export const wordMeanings: ReadonlyMap<string, string> = pairs(
  "and=>, or=>or percent=>% percentage=>% pct=>% pi=>π infinity=>∞ inf=>∞ degrees=>° degree=>°",
);

/** Words that may follow a number without \text. */
export const unitWords = words(
  "mm cm dm km kg mg ml mph mile miles meter meters metre metres inch inches foot feet ft yard yards gram grams liter " +
    "liters litre litres second seconds sec minute minutes min hour hours hr hrs day days week weeks month months year " +
    "years dollar dollars cent cents euro euros yuan unit units square cubic sq people students ways points times apples",
);
