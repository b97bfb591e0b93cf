"""Writes test/golden/divergences.json: divergences of random next-token distributions, from PyTorch and NumPy in float64.

Command: python3 test/oracle/divergences.py
"""

import json
import math
import pathlib
import platform

import numpy as np
import torch

OUT = pathlib.Path(__file__).parent.parent / "golden" / "divergences.json"
ROWS, VOCABULARY, K = 12, 24, 5


def logits(generator, scale):
    """float32 numbers, so that JSON carries them exactly."""
    return (generator.standard_normal((ROWS, VOCABULARY)) * scale).astype(np.float32).astype(np.float64)


def total_variation(p, q):
    return 0.5 * np.abs(p - q).sum(axis=1)


def jensen_shannon(p, q):
    """scipy.special.rel_entr written out: x log(x / y), 0 where x is 0."""
    m = (p + q) / 2
    rel_entr = lambda x, y: np.where(x > 0, x * np.log(np.where(x > 0, x, 1) / np.where(y > 0, y, 1)), 0)
    return 0.5 * rel_entr(p, m).sum(axis=1) + 0.5 * rel_entr(q, m).sum(axis=1)


def finite(values):
    """Rows as JSON, which has no infinities."""
    return [finite(v) if isinstance(v, list) else (v if math.isfinite(v) else str(v)) for v in values]


def main():
    generator = np.random.default_rng(20)
    scales = np.array([0.01, 0.1, 1, 1, 2, 4, 8, 16, 40, 1, 1, 1])[:, None]
    p_logits, q_logits = logits(generator, scales), logits(generator, scales)
    q_logits[0] = p_logits[0]
    p_logits[9, :20] = -np.inf  # masked in P only: KL(Q||P) is infinite
    p_logits[10, ::2] = q_logits[10, ::2] = -np.inf  # masked in both
    p_logits[11, 1:], q_logits[11, :-1] = -np.inf, -np.inf  # disjoint supports: JS = ln 2, TV = 1
    p = torch.distributions.Categorical(logits=torch.tensor(p_logits))
    q = torch.distributions.Categorical(logits=torch.tensor(q_logits))
    kl = torch.distributions.kl_divergence
    probs = (p.probs.numpy(), q.probs.numpy())
    golden = {
        "source": "torch.distributions (kl, entropy, log-probs), torch.topk, NumPy (js, tv), all float64",
        "command": "python3 test/oracle/divergences.py",
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        "tolerance": "relative 1e-12, or absolute 1e-14",
        "vocabularySize": VOCABULARY,
        "p": finite(p_logits.tolist()),
        "q": finite(q_logits.tolist()),
        "logprobs": finite(torch.log_softmax(torch.tensor(p_logits), dim=1).tolist()),
        "entropies": (-torch.xlogy(p.probs, p.probs).sum(dim=1)).tolist(),
        "kl": finite(kl(p, q).tolist()),
        "reverseKl": finite(kl(q, p).tolist()),
        "js": jensen_shannon(*probs).tolist(),
        "tv": total_variation(*probs).tolist(),
        "topK": torch.topk(torch.tensor(q_logits[1:9]), K, dim=1).indices.tolist(),
        "topKRows": [1, 9],
        "baseRanks": [int((row > row[token]).sum()) + 1 for row, token in zip(q_logits, p_logits.argmax(axis=1))],
    }
    OUT.write_text(json.dumps(golden, indent=1) + "\n")


main()
