"""Writes test/golden/bounds.json: the smallest divergences that two lists of likeliest tokens allow, by SciPy's optimizer, and
the truth by scipy.stats and scipy.spatial.

The tokens that neither list holds are one variable of each side: by convexity the smallest sum is reached where their ratio is
one. Command: python3 test/oracle/bounds.py
"""

import json
import pathlib
import platform

import numpy as np
import scipy
from scipy.optimize import minimize
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr
from scipy.stats import entropy

OUT = pathlib.Path(__file__).parent.parent / "golden" / "bounds.json"
VOCABULARY, CASES = 60, 24

TERMS = {
    "kl": lambda p, q: rel_entr(p, q),
    "reverseKl": lambda p, q: rel_entr(q, p),
    "js": lambda p, q: (rel_entr(p, (p + q) / 2) + rel_entr(q, (p + q) / 2)) / 2,
    "tv": lambda p, q: abs(p - q) / 2,
}


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def smallest(term, p, q, top_p, top_q):
    """Minimum over what neither list says; variables: q on P's own tokens, q of the rest, p on Q's own tokens, p of the rest."""
    both, own_p, own_q = sorted(top_p & top_q), sorted(top_p - top_q), sorted(top_q - top_p)
    r_p, r_q = 1 - p[sorted(top_p)].sum(), 1 - q[sorted(top_q)].sum()
    cap_p, cap_q = min(p[i] for i in top_p), min(q[i] for i in top_q)
    known = term(p[both], q[both]).sum()
    a, b = len(own_p), len(own_q)

    def objective(x):
        x = np.maximum(x, 1e-300)
        return term(p[own_p], x[:a]).sum() + term(x[a], x[a + 1]) + term(x[a + 2 :], q[own_q]).sum()

    # x = [q on own_p | p of the rest | q of the rest | p on own_q]
    low = 1e-12
    bounds = [(low, cap_q)] * a + [(low, max(r_p, low)), (low, max(r_q, low))] + [(low, cap_p)] * b
    constraints = [
        {"type": "eq", "fun": lambda x: x[:a].sum() + x[a + 1] - r_q},
        {"type": "eq", "fun": lambda x: x[a] + x[a + 2 :].sum() - r_p},
    ]
    best = np.inf
    for share in (0.1, 0.5, 0.9):
        s, t = min(share * r_q, a * cap_q), min(share * r_p, b * cap_p)
        s, t = (s if a else 0), (t if b else 0)
        start = np.concatenate([np.full(a, s / max(a, 1)), [r_p - t, r_q - s], np.full(b, t / max(b, 1))])
        found = minimize(objective, start, bounds=bounds, constraints=constraints, method="SLSQP",
                         options={"maxiter": 2000, "ftol": 1e-15})
        feasible = all(abs(c["fun"](found.x)) < 1e-9 for c in constraints)
        if feasible:
            best = min(best, found.fun)
    return known + best


def main():
    generator = np.random.default_rng(6)
    cases = []
    for i in range(CASES):
        scale, k = [0.5, 2, 4][i % 3], [1, 2, 5, 10][i % 4]
        x = generator.standard_normal(VOCABULARY) * scale
        y = x + generator.standard_normal(VOCABULARY) * [0.3, 2][i % 2]
        p, q = softmax(x), softmax(y)
        top_p, top_q = (set(np.argsort(-d, kind="stable")[:k].tolist()) for d in (p, q))
        lower = {name: smallest(term, p, q, top_p, top_q) for name, term in TERMS.items() if name != "tv"}
        truth = {"kl": entropy(p, q), "reverseKl": entropy(q, p), "js": jensenshannon(p, q) ** 2,
                 "tv": abs(p - q).sum() / 2, "entropy": entropy(p)}
        cases.append({"k": k, "p": p.tolist(), "q": q.tolist(), "truth": truth, "lower": lower})
    golden = {
        "source": "scipy.optimize.minimize (SLSQP) for the smallest values, scipy.stats.entropy and "
                  "scipy.spatial.distance.jensenshannon for the truth, float64",
        "command": "python3 test/oracle/bounds.py",
        "versions": {"python": platform.python_version(), "scipy": scipy.__version__, "numpy": np.__version__},
        "tolerance": "truth 1e-12 relative; smallest values 1e-5 absolute, the optimizer's",
        "vocabularySize": VOCABULARY,
        "cases": cases,
    }
    OUT.write_text(json.dumps(golden) + "\n")


main()
