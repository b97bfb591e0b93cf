/**
 * What is recognised as the same answer and what is not; a test runs every row.
 *
 * Columns: form · gold answer · answer · equal (1) or not (0) · what Math-Verify says where it says otherwise. Rows with
 * 0 under "not recognised" are right answers that we do not see as such; the others are different answers. A test
 * compares the last column with a run of Math-Verify.
 */

/** A row of the table. */
export interface RecognisedForm {
  readonly form: string;
  readonly gold: string;
  readonly answer: string;
  readonly equal: boolean;
  /** The verdict of Math-Verify on the same pair. */
  readonly mathVerify: boolean;
}

const forms: Readonly<
  Record<string, readonly (readonly [gold: string, answer: string, equal: 0 | 1, mathVerify?: 0 | 1])[]>
> = {
  integers: [
    ["-5", "-5", 1],
    ["7", "+7", 1],
    ["004", "4", 1],
    ["3", "\\text{three}", 0],
  ],
  "thousands separators": [
    ["7425000", "7,425,000", 1],
    ["14916", "14{,}916", 1],
    ["32349", "32,\\!349", 1],
    ["1000", "1 000", 1, 0],
    ["1, 234", "1,234", 1, 0],
    ["32349", "32, 349", 0],
  ],
  "decimals and rounding": [
    ["0.4", ".4", 1],
    ["1000", "1000.0", 1],
    ["1/8", "0.125", 1],
    ["1/3", "0.333333", 1],
    ["1/3", "0.3333", 0],
    ["1/3", "0.\\overline{3}", 1, 0],
    ["0.00000001", "0", 0],
    ["\\sqrt{17}", "4.123105625617661", 1],
  ],
  fractions: [
    ["1/3", "\\frac13", 1],
    ["1", "\\frac3{3}", 1],
    ["-\\frac{10}{9}", "-10/9", 1],
    ["\\dfrac{1}{3}", "\\tfrac{2}{6}", 1],
    ["2/3", "3/2", 0],
    ["7/2", "3\\frac{1}{2}", 1],
    ["7/2", "3 1/2", 1, 0],
  ],
  percent: [
    ["28\\%", "28 percent", 1],
    ["28\\%", "28", 1, 0],
    ["0.28", "28\\%", 1],
    ["28\\%", "0.28", 1],
    ["28", "0.28", 0],
    ["28\\%", "2800", 0],
  ],
  "scientific notation": [
    ["1200", "1.2 \\times 10^3", 1],
    ["0.0015", "1.5e-3", 1, 0],
    ["10^{20}+1", "10^{20}", 0],
  ],
  "roots and powers": [
    ["3\\sqrt{13}", "\\sqrt{117}", 1],
    ["\\frac{\\sqrt2}{2}", "\\frac{1}{\\sqrt{2}}", 1],
    ["\\sqrt{2}-1", "\\frac{1}{1+\\sqrt2}", 1],
    ["\\sqrt{6}", "\\sqrt2\\sqrt3", 1],
    ["2", "\\sqrt[3]{8}", 1],
    ["4", "8^{2/3}", 1],
    ["1+\\sqrt2", "\\sqrt{3+2\\sqrt2}", 1],
    ["10^{\\frac{\\sqrt{13}-5}{6}}", "10^{-\\frac{5-\\sqrt{13}}{6}}", 1],
    ["4", "4\\sqrt2", 0],
  ],
  constants: [
    ["\\frac94\\pi", "\\frac{9\\pi}{4}", 1],
    ["\\pi", "3.14", 0],
    ["e^2", "e \\cdot e", 1],
    ["2i", "\\sqrt{-4}", 1, 0],
    ["\\frac{1-i}{2}", "\\frac{1}{1+i}", 1, 0],
  ],
  "units, degrees, currency, words": [
    ["15\\mbox{ cm}^2", "15", 1],
    ["10", "10 cm", 1],
    ["90^\\circ", "90", 1],
    ["1000.99", "\\$1,000.99", 1],
    ["5", "\\text{Area: } 5 \\text{ units}", 1, 0],
  ],
  "functions and formulas": [
    ["\\frac12", "\\sin 30^\\circ", 1, 0],
    ["x^2+2x+1", "(x+1)^2", 1],
    ["2-2p", "2(1-p)", 1],
    ["\\frac{x+2}{7}", "\\frac{x}{7}+\\frac27", 1],
    ["\\tan^2(y)+1", "\\sec^2(y)", 1],
    ["\\frac{\\pi r}{h+r}", "\\pi r/(r+h)", 1],
    ["3", "\\log_2 8", 1],
    ["\\ln 4", "2\\ln 2", 1],
    ["10", "\\binom{5}{2}", 1],
    ["120", "5!", 1],
    ["x+2n+1", "x+1", 0],
    ["f(x)", "f(y)", 0],
  ],
  "named values": [
    ["11", "x = 11", 1],
    ["x = 11", "x = 5+5+1 = 11", 1],
    ["1/3", "x = 1/3 \\approx 0.33", 1],
    ["11", "x \\approx 11", 1],
    ["22/7", "\\frac{22}{7} \\approx 3.14", 1],
    ["5", "6 \\approx 5", 0],
    ["5", "6 = 5", 0, 1],
    ["5", "5 \\text{ or } 6", 0],
    ["AB = 4", "4", 1],
    ["f(x) = 1", "1", 1],
    ["2x + z = 1", "1", 0],
  ],
  equations: [
    ["34x+45y-20z+100=0", "-34x-45y+20z-100=0", 1],
    ["y = -\\frac12 x + \\frac34", "2x + 4y - 3 = 0", 1],
    ["x^2/4 + y^2/3 = 1", "x^2/16 + y^2/12 = 1/4", 1],
    ["x + y = 1", "x + y = 2", 0],
  ],
  "lists, sets and ±": [
    ["\\{1,2\\}", "\\{2,1\\}", 1],
    ["1, 2", "\\{2, 1\\}", 1],
    ["12\\text{ and }13", "13, 12", 1],
    ["x = 1 \\text{ or } x = 2", "1, 2", 1],
    ["1 \\pm \\sqrt{19}", "1-\\sqrt{19}, 1+\\sqrt{19}", 1],
    ["\\{1,3\\} \\cup \\{2,4\\}", "\\{1,2,3,4\\}", 1],
    ["\\{5\\}", "5", 1],
    ["\\emptyset", "\\{\\}", 1],
    ["1, 2", "1, 2, 3", 0],
    ["k = 45, n = 2", "k = 2, n = 45", 0],
  ],
  "points and tuples": [
    ["(3, \\frac{\\pi}{2})", "\\left( 3, \\frac{\\pi}{2} \\right)", 1],
    ["(1,3)", "(3,1)", 0],
    ["(1,3)", "1,3", 1],
    ["(1,3)", "\\{1,3\\}", 0, 1],
    ["(1,2),(3,4)", "(3,4),(1,2)", 1],
    ["(p,q) = (3,2)", "(3,2)", 1],
    ["(0;0;0)", "(0,0,0)", 1],
  ],
  intervals: [
    ["[0,1)", "[0,1)", 1],
    ["(0,9)", "[0,9)", 0],
    ["(\\frac35,\\frac83]", "(0.6,\\frac{16}{6}]", 1],
    ["(-\\infty, 2]", "(-\\infty,2]", 1],
    ["[0,2]", "[0,1]\\cup[1,2]", 1],
    ["(0,1)\\cup(2,3)", "(2,3)\\cup(0,1)", 1],
    ["x \\in [-2,7]", "[-2,7]", 1],
    ["\\mathbb{R}\\setminus\\{0\\}", "(-\\infty,0)\\cup(0,\\infty)", 1],
  ],
  inequalities: [
    ["x \\leq 5", "5 \\geq x", 1],
    ["x < 1", "-x > -1", 1],
    ["-2 \\le x \\le 7", "[-2,7]", 1],
    ["[-2,7]", "-2 \\le x \\le 7", 0],
    ["x < 1 \\text{ or } x > 5", "(-\\infty,1)\\cup(5,\\infty)", 1, 0],
    ["x \\ne 3", "x != 3", 1],
    ["x > 5", "x < 5", 0],
  ],
  matrices: [
    ["\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\left[\\begin{array}{cc}1&2\\\\3&4\\end{array}\\right]", 1],
    ["\\begin{pmatrix}1/2\\\\2\\end{pmatrix}", "\\begin{bmatrix}0.5\\\\2\\end{bmatrix}", 1],
    ["\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}", 0],
  ],
  "choices and words": [
    ["\\text{C}", "C", 1],
    ["C", "\\text{(C)}", 1],
    ["\\text{Evelyn}", "evelyn", 1],
    ["\\text{odd}", "odd", 1],
    ["d", "\\text{E}", 0],
  ],
  ratios: [
    ["7:32", "\\frac{7}{32}", 1],
    ["V_1:V_2 = 11:21", "11:21", 1],
  ],
  "not recognised": [
    ["1.22", "1,22", 0],
    ["5", "\\text{five}", 0],
    ["10", "10 m", 0, 1],
    ["21", "10101_2", 0],
    ["(0,1)", "]0,1[", 0],
    ["(0,\\infty)", "\\{x \\mid x > 0\\}", 0],
    ["x = 2", "2x = 4", 0],
    ["\\pm 2", "x^2 = 4", 0],
    ["2", "\\log 100", 0, 1],
    ["x", "\\sqrt{x^2}", 0],
    ["\\frac{1}{3}", "\\int_0^1 x^2 dx", 0, 1],
    ["55", "\\sum_{k=1}^{10} k", 0, 1],
    ["\\begin{pmatrix}2\\end{pmatrix}", "\\begin{pmatrix}1\\end{pmatrix}+\\begin{pmatrix}1\\end{pmatrix}", 0, 1],
    ["1 \\leq |z| \\leq 2", "[-2,-1]\\cup[1,2]", 0, 1],
  ],
};

/**
 * The table of forms.
 *
 * @example
 * recognisedForms.filter(({ form }) => form === "not recognised");
 */
export const recognisedForms: readonly RecognisedForm[] = Object.entries(forms).flatMap(([form, rows]) =>
  rows.map(([gold, answer, equal, mathVerify = equal]) => ({
    form,
    gold,
    answer,
    equal: equal === 1,
    mathVerify: mathVerify === 1,
  })),
);
