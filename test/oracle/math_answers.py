"""Golden verdicts of Math-Verify itself on the answers of math-verify.json and of our table of recognised forms.

Each answer stands in a box, as the model of a completion would write it; the gold answer between dollars, unless it
has some. Neither Math-Verify nor its parser can be had from every index: checkouts of both on the path will do, the
parser's grammar compiled by ANTLR 4.13.2.

    node -e 'import("./dist/src/data/math/recognised.js").then((m) => console.log(JSON.stringify(m.recognisedForms)))' > forms.json
    PYTHONPATH=Math-Verify/src:latex2sympy2_extended/src python3 test/oracle/math_answers.py forms.json
"""

import json
import os
import sys

import sympy
from math_verify import parse, verify

MATH_VERIFY = "5d148cfaaf99214c2e4ffb4bc497ab042c592a7a"
PARSER = "02999f5d79ec772a2445f3e5d4b02c57a8078022"
FOLDER = os.path.join(os.path.dirname(__file__), "../golden")


def verdict(gold, answer):
    wrapped = gold if "$" in gold or "\\boxed" in gold else f"${gold}$"
    boxed = answer if "\\boxed" in answer else f"\\boxed{{{answer}}}"
    return [gold, answer, bool(verify(parse(wrapped), parse(boxed)))]


def main():
    with open(os.path.join(FOLDER, "math-verify.json"), encoding="utf-8") as golden_file:
        cases = json.load(golden_file)["cases"]
    with open(sys.argv[1], encoding="utf-8") as forms_file:
        forms = json.load(forms_file)
    golden = {
        "source": f"Math-Verify {MATH_VERIFY} with latex2sympy2_extended {PARSER}, run",
        "command": "python3 test/oracle/math_answers.py forms.json",
        "versions": {"sympy": sympy.__version__, "antlr4": "4.13.2"},
        "fields": "gold, answer, verdict: of the cases of math-verify.json, then of recognisedForms",
        "cases": [verdict(case["gold"], case["answer"]) for case in cases],
        "forms": [verdict(form["gold"], form["answer"]) for form in forms],
    }
    with open(os.path.join(FOLDER, "math-verify-run.json"), "w", encoding="utf-8") as out:
        json.dump(golden, out)
        out.write("\n")


if __name__ == "__main__":
    main()
