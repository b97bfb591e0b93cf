"""Writes test/golden/token-stats.json: statistics and divergences of random logits in three formats, from PyTorch in float64.

Command: python3 test/oracle/token_stats.py
"""

import json
import math
import pathlib
import platform

import torch

OUT = pathlib.Path(__file__).parent.parent / "golden" / "token-stats.json"
ROWS, VOCABULARY, K = 8, 37, 5


def stored(logits):
    """What JSON carries exactly: float32 numbers, or the bits of 16-bit ones as unsigned integers."""
    if logits.dtype == torch.float32:
        return finite(logits.double().flatten().tolist())
    return (logits.view(torch.int16).flatten().int() & 0xFFFF).tolist()


def finite(values):
    """JSON has no infinities."""
    return [v if math.isfinite(v) else str(v).replace("inf", "Infinity") for v in values]


def statistics(logits, labels):
    logprobs = torch.log_softmax(logits.double(), 1)
    largest, argmax = logits.max(1)
    top = torch.topk(logprobs, K, dim=1)
    at_labels = logits.gather(1, labels[:, None])
    return {
        "logprobs": finite(logprobs.gather(1, labels[:, None])[:, 0].tolist()),
        "entropies": torch.distributions.Categorical(logits=logits.double()).entropy().tolist(),
        "maxima": largest.double().tolist(),
        "argmax": argmax.tolist(),
        "ranks": ((logits > at_labels).sum(1) + 1).tolist(),
        "topIds": top.indices.flatten().tolist(),
        "topLogprobs": finite(top.values.flatten().tolist()),
    }


def divergences(p_logits, q_logits):
    p, q = (torch.distributions.Categorical(logits=logits.double()) for logits in (p_logits, q_logits))
    kl = torch.distributions.kl_divergence
    middle = (p.probs + q.probs) / 2
    relative = lambda a: torch.xlogy(a, a) - torch.xlogy(a, middle)
    return {
        "kl": finite(kl(p, q).tolist()),
        "reverseKl": finite(kl(q, p).tolist()),
        "js": (0.5 * (relative(p.probs) + relative(q.probs)).sum(1)).tolist(),
        "tv": (0.5 * (p.probs - q.probs).abs().sum(1)).tolist(),
    }


def case(dtype, generator):
    """Rows from nearly equal to nearly certain; masked in P, in both; far from zero; subnormal in 16 bits."""
    scales = torch.tensor([0.01, 1, 3, 10, 1, 1, 1, 1e-6])[:, None]
    p, q = (torch.randn(ROWS, VOCABULARY, generator=generator) * scales for _ in range(2))
    p[4, :9] = -math.inf
    p[5, ::2] = q[5, ::2] = -math.inf
    p[6], q[6] = p[6] + 9000, q[6] - 9000
    p, q = p.to(dtype), q.to(dtype)
    labels = torch.randint(VOCABULARY, (ROWS,), generator=generator)
    labels[5] = 0
    return {"p": stored(p), "q": stored(q), "labels": labels.tolist(), **statistics(p, labels), **divergences(p, q)}


def main():
    generator = torch.Generator().manual_seed(4)
    golden = {
        "source": "torch.log_softmax, Tensor.max, torch.topk and torch.distributions (entropy, KL), all float64",
        "command": "python3 test/oracle/token_stats.py",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "tolerance": "absolute 1e-5",
        "vocabularySize": VOCABULARY,
        "topK": K,
        "cases": {str(t).removeprefix("torch."): case(t, generator) for t in (torch.float32, torch.float16, torch.bfloat16)},
    }
    OUT.write_text(json.dumps(golden) + "\n")


main()
