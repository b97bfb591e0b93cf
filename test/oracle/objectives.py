"""Golden values of the objectives, their gradients, one short AdamW run and the random numbers.

An independent, literal implementation: every loss is written with PyTorch operations on logits and differentiated by
autograd, row by row. Numbers are rounded to 10 significant digits.

    python3 test/oracle/objectives.py
"""

import json
import os

import torch

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(2506)

VOCABULARY = 5
GROUPS = [0, 0, 0, 0, 1, 1, 1, 0, 1, -1]
SOURCES = ["rollout"] * 7 + ["demonstration"] * 3
REWARDS = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
LENGTHS = [3, 1, 2, 4, 2, 1, 3, 4, 2, 3]
ROWS = range(len(LENGTHS))
TOKENS = sum(LENGTHS)
STARTS = [sum(LENGTHS[:row]) for row in ROWS]

LOGITS = (torch.randn(TOKENS, VOCABULARY, generator=generator) * 1.5).round(decimals=3)
OLD_LOGITS = (LOGITS + 0.4 * torch.randn(TOKENS, VOCABULARY, generator=generator)).round(decimals=3)
LABELS = torch.randint(VOCABULARY, (TOKENS,), generator=generator)
MASK = [0 if token in (1, 3, 9, 18, 19) else 1 for token in range(TOKENS)]


def statistics(logits):
    logs = torch.log_softmax(logits, -1)
    return logs.gather(-1, LABELS[:, None])[:, 0], -(logs.exp() * logs).sum(-1)


def tokens_of(row, mask):
    return [t for t in range(STARTS[row], STARTS[row] + LENGTHS[row]) if mask[t] == 1]


def aggregate(token_losses, rows, mask, reduction):
    """token_losses: a function of (token, row)."""
    sums, counts = [], []
    for row in rows:
        kept = tokens_of(row, mask)
        if not kept:
            continue
        sums.append(sum(token_losses(t, row) for t in kept))
        counts.append(len(kept))
    if reduction == "token-mean":
        return sum(sums) / sum(counts)
    if reduction == "sequence-mean":
        return sum(s / n for s, n in zip(sums, counts)) / len(sums)
    if reduction == "sequence-sum":
        return sum(sums) / len(sums)
    return sum(sums) / (len(sums) * reduction["constant"])


def group_advantages(rows, counted, std="population", epsilon=0.0):
    result = {row: 0.0 for row in ROWS}
    for group in {GROUPS[row] for row in rows if GROUPS[row] >= 0}:
        members = [row for row in rows if GROUPS[row] == group]
        rewards = torch.tensor([REWARDS[row] for row in members if row in counted])
        if std == "none":
            scale = torch.tensor(1.0)
        else:
            deviation = rewards.std(correction=1 if std == "unbiased" else 0)
            scale = 1 / (deviation + epsilon) if deviation > 0 else torch.tensor(0.0)
        for row in members:
            result[row] = ((REWARDS[row] - rewards.mean()) * scale).item()
    return result


def of_source(source):
    return [row for row in ROWS if SOURCES[row] == source]


def sft(lp, ent, old, mask, reduction="token-mean"):
    return {"sft": aggregate(lambda t, row: -lp[t], of_source("demonstration"), mask, reduction)}


def grpo(lp, ent, old, mask, std="population", epsilon=0.0, clipRange=(0.2, 0.2), reduction="sequence-mean"):
    rows = of_source("rollout")
    advantage = group_advantages(rows, rows, std, epsilon)
    before = lp.detach() if old is None else old

    def token_loss(t, row):
        ratio = torch.exp(lp[t] - before[t])
        clipped = torch.clamp(ratio, 1 - clipRange[0], 1 + clipRange[1])
        return -torch.minimum(ratio * advantage[row], clipped * advantage[row])

    return {"policy": aggregate(token_loss, rows, mask, reduction)}


def srft(
    lp, ent, old, mask, entropyOver="batch", sftScale=0.5, rlScale=0.1, sftSign=-1, sftWeight=None, rlWeight=None,
    demonstrationScale=1.0, signal="rewards", shaping="none", std="population", epsilon=0.0, demonstrations="inside",
    reduction="token-mean", sftReduction=None, entropyBonus=0.0,
):
    on, demos = of_source("rollout"), of_source("demonstration")
    grouped = [row for row in demos if GROUPS[row] >= 0]
    detached = ent.detach()

    def mean_entropy(rows):
        kept = [t for row in rows for t in tokens_of(row, mask)]
        return detached[kept].mean()

    def entropy(t, row, own):
        if entropyOver == "token":
            return detached[t]
        if entropyOver == "sequence":
            return mean_entropy([row])
        return mean_entropy(own if entropyOver == "batch" else on)

    def w_sft(t, row):
        return sftScale * torch.exp(sftSign * entropy(t, row, demos)) if sftWeight is None else sftWeight

    def w_rl(t, row):
        return rlScale * torch.exp(entropy(t, row, on)) if rlWeight is None else rlWeight

    advantage = group_advantages(on + grouped, on + grouped if demonstrations == "inside" else on, std, epsilon)
    before = lp.detach() if old is None else old

    def shaped(t):
        p = lp[t].exp()
        return p if shaping == "none" else p / (p + shaping["gamma"])

    def positive(t, row):
        if signal == "rewards":
            return -w_rl(t, row) * lp[t] if REWARDS[row] == 1 else 0 * lp[t]
        return -w_rl(t, row) * max(advantage[row], 0) * torch.exp(lp[t] - before[t])

    def negative(t, row):
        if signal == "rewards":
            return lp[t] if REWARDS[row] != 1 else 0 * lp[t]
        return -min(advantage[row], 0) * torch.exp(lp[t] - before[t])

    terms = {
        "sft": aggregate(lambda t, row: -w_sft(t, row) * lp[t], demos, mask, sftReduction or reduction),
        "demonstration": aggregate(
            lambda t, row: -demonstrationScale * advantage[row] * shaped(t), grouped, mask, reduction
        ),
        "positive": aggregate(positive, on, mask, reduction),
        "negative": aggregate(negative, on, mask, reduction),
    }
    if entropyBonus:
        terms["entropyBonus"] = aggregate(lambda t, row: -entropyBonus * ent[t], on, mask, reduction)
    return terms


CASES = [
    ("sft", {}, ""),
    ("sft", {"reduction": "sequence-mean"}, "mask"),
    ("sft", {"reduction": "sequence-sum"}, ""),
    ("sft", {"reduction": {"constant": 4}}, "mask"),
    ("grpo", {}, ""),
    ("grpo", {}, "old"),
    ("grpo", {"std": "unbiased", "epsilon": 1e-4, "reduction": {"constant": 4}}, "old"),
    ("grpo", {"std": "none", "clipRange": [0.2, 0.28], "reduction": "token-mean"}, "old mask"),
    ("grpo", {"std": "none", "clipRange": [0.05, 0.05], "reduction": "sequence-sum"}, "old"),
    ("srft", {}, ""),
    ("srft", {}, "mask"),
    ("srft", {"reduction": "sequence-sum"}, ""),
    ("srft", {"reduction": "sequence-mean", "std": "unbiased", "epsilon": 1e-6}, "mask"),
    ("srft", {"entropyOver": "token"}, ""),
    ("srft", {"entropyOver": "sequence"}, "mask"),
    ("srft", {"entropyOver": "rollouts", "sftScale": 0.7, "rlScale": 0.3}, ""),
    ("srft", {"demonstrations": "beside", "std": "none"}, ""),
    ("srft", {"demonstrations": "beside", "demonstrationScale": 0.5}, ""),
    ("srft", {"sftWeight": 1, "rlWeight": 1, "signal": "advantages"}, "old"),
    (
        "srft",
        {"entropyOver": "token", "sftSign": 1, "signal": "advantages", "shaping": {"gamma": 0.1}, "entropyBonus": 0.001},
        "old",
    ),
    (
        "srft",
        {
            "entropyOver": "sequence",
            "shaping": {"gamma": 0.1},
            "std": "none",
            "entropyBonus": 0.001,
            "reduction": {"constant": 4},
        },
        "mask",
    ),
    (
        "srft",
        {
            "entropyOver": "token",
            "sftSign": 1,
            "signal": "advantages",
            "shaping": {"gamma": 0.1},
            "std": "unbiased",
            "epsilon": 1e-6,
            "entropyBonus": 0.001,
            "reduction": "token-mean",
        },
        "old mask",
    ),
    (
        "srft",
        {
            "entropyOver": "sequence",
            "sftSign": -1,
            "signal": "rewards",
            "shaping": {"gamma": 0.1},
            "std": "none",
            "entropyBonus": 0.001,
            "sftReduction": "token-mean",
            "reduction": {"constant": 4},
        },
        "",
    ),
]


def rounded(value):
    if isinstance(value, torch.Tensor):
        value = value.tolist()
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.10g}")


def golden_case(objective, options, extras):
    logits = LOGITS.clone().requires_grad_()
    lp, ent = statistics(logits)
    lp.retain_grad()
    ent.retain_grad()
    old = statistics(OLD_LOGITS)[0] if "old" in extras else None
    mask = MASK if "mask" in extras else [1] * TOKENS
    terms = {"sft": sft, "grpo": grpo, "srft": srft}[objective](lp, ent, old, mask, **options)
    value = sum(terms.values())
    value.backward()
    return {
        "objective": objective,
        "options": options,
        "extras": extras,
        "value": rounded(value.item()),
        "terms": {name: rounded(term.item()) for name, term in terms.items()},
        "logprobs": rounded(lp.grad),
        **({} if ent.grad is None else {"entropies": rounded(ent.grad)}),
        "logits": rounded(logits.grad),
    }


def adamw_run():
    """Five steps on eight tokens; order-1 contexts, 4 tokens, so the table has (4 + 1) lines."""
    start = torch.randn(5, 4, generator=generator).round(decimals=3)
    table = start.clone().requires_grad_()
    contexts, labels = [0, 1, 3, 1, 0, 2, 2, 1], [1, 3, 1, 2, 2, 2, 1, 0]
    settings = {"learningRate": 0.05, "clipNorm": 0.3, "betas": [0.8, 0.95], "epsilon": 1e-8, "weightDecay": 0.1}
    optimizer = torch.optim.AdamW([table], lr=0.05, betas=(0.8, 0.95), eps=1e-8, weight_decay=0.1)
    norms = []
    for _ in range(5):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(table[contexts], torch.tensor(labels)).backward()
        norms.append(torch.nn.utils.clip_grad_norm_([table], 0.3).item())
        optimizer.step()
    return {
        "start": rounded(start.flatten()),
        "sequences": [{"prompt": [0], "completion": [1, 3, 1, 2]}, {"prompt": [0], "completion": [2, 2, 1, 0]}],
        "settings": settings,
        "gradNorms": rounded(norms),
        "end": rounded(table.detach().flatten()),
    }


def sfc32(seed, count):
    """PractRand's sfc32 in exact integers; seeded with a = 0, b = seed, c = 0, counter = 1 and 12 discarded draws."""
    word = 2**32
    a, b, c, counter = 0, seed, 0, 1
    drawn = []
    for _ in range(12 + count):
        out = (a + b + counter) % word
        counter = (counter + 1) % word
        a = b ^ (b // 2**9)
        b = (c * 9) % word
        c = ((c * 2**21) % word + c // 2**11 + out) % word
        drawn.append(out)
    return drawn[12:]


def main():
    golden = {
        "source": "literal PyTorch implementation, autograd, float64",
        "command": "python3 test/oracle/objectives.py",
        "versions": {"torch": torch.__version__},
        "tolerance": "relative or absolute 1e-6 (gradients leave the objectives as float32)",
        "batch": {
            "vocabularySize": VOCABULARY,
            "groups": GROUPS,
            "sources": SOURCES,
            "rewards": REWARDS,
            "lengths": LENGTHS,
            "logits": rounded(LOGITS),
            "oldLogits": rounded(OLD_LOGITS),
            "labels": LABELS.tolist(),
            "mask": MASK,
        },
        "cases": [golden_case(*case) for case in CASES],
        "adamw": adamw_run(),
        "sfc32": [{"seed": seed, "words": sfc32(seed, 20)} for seed in (0, 1, 7, 2**32 - 1)],
    }
    file = os.path.join(os.path.dirname(__file__), "../golden/objectives.json")
    with open(file, "w", encoding="utf-8") as out:
        json.dump(golden, out)
        out.write("\n")


if __name__ == "__main__":
    main()
