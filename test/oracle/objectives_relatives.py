"""Golden values of the imitation variants, the baselines without a peer in TRL, and the hybrids: literal PyTorch,
every stop-gradient a detach(), differentiated by autograd row by row. The batch is that of objectives.py; rewards of
the rollouts, reference logits and prefix lengths are added.

    python3 test/oracle/objectives_relatives.py
"""

import json
import os

import torch
from objectives import (
    GROUPS,
    LABELS,
    LENGTHS,
    LOGITS,
    MASK,
    OLD_LOGITS,
    REWARDS,
    ROWS,
    STARTS,
    TOKENS,
    aggregate,
    group_advantages,
    of_source,
    rounded,
    statistics,
    tokens_of,
)

REFERENCE_LOGITS = (LOGITS.flip(0) * 0.3 + LOGITS * 0.7).round(decimals=3)
PREFIXES = [1, 0, 1, 3, 1, 0, 2, 0, 0, 0]
ON, DEMOS = of_source("rollout"), of_source("demonstration")
GROUPED = [row for row in DEMOS if GROUPS[row] >= 0]


def imitation(weight):
    """-sg(weight) log p over the demonstrations, a token mean."""

    def terms(v, **options):
        weigh = weight(v, **options)
        return {"sft": aggregate(lambda t, row: -weigh(t, row).detach() * v.lp[t], DEMOS, v.mask, "token-mean")}

    return terms


def dft(v):
    return lambda t, row: v.lp[t].exp()


def iw_sft(v, over="sequence", temperature=1.0):
    def sequence(t, row):
        kept = tokens_of(row, v.mask)
        return torch.exp(temperature * (v.lp[kept] - v.ref[kept]).mean()).clamp(0, 16)

    return sequence if over == "sequence" else lambda t, row: torch.exp(v.lp[t] - v.ref[t]).clamp(0.2, 1.8)


def psft(v, clipRange=(0.2, 0.28)):
    def token(t, row):
        ratio = torch.exp(v.lp[t] - v.old[t])
        return -torch.minimum(ratio, ratio.clamp(1 - clipRange[0], 1 + clipRange[1]))

    return {"sft": aggregate(token, DEMOS, v.mask, "token-mean")}


def kl_estimate(policy, reference, estimator):
    u = policy - reference
    if estimator == "k1":
        return u
    if estimator == "k2":
        return 0.5 * u**2
    return torch.exp(-u) - 1 + u if estimator == "k3" else u.abs()


def sft_kl(v, coefficient=0.2, estimator="k3", direction="policy-reference"):
    def kl(t, row):
        pair = (v.lp[t], v.ref[t]) if direction == "policy-reference" else (v.ref[t], v.lp[t])
        return coefficient * kl_estimate(*pair, estimator)

    sft = aggregate(lambda t, row: -v.lp[t], DEMOS, v.mask, "token-mean")
    return {"sft": sft, "kl": aggregate(kl, DEMOS, v.mask, "token-mean")}


def clipped(ratio, advantage, low=0.2, high=0.2):
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage)


def rloo(v):
    def advantage(row):
        others = [REWARDS[one] for one in ON if GROUPS[one] == GROUPS[row] and one != row]
        return REWARDS[row] - sum(others) / len(others)

    return {"policy": aggregate(lambda t, row: -advantage(row) * v.lp[t], ON, v.mask, "sequence-sum")}


def w_reinforce(v, positiveWeight=0.1):
    def token(t, row):
        return -(positiveWeight if REWARDS[row] > 0 else -1) * v.lp[t]

    return {"policy": aggregate(token, ON, v.mask, "token-mean")}


def reinforce_plus_plus(v, discount=1.0, klCoefficient=0.0, baseline="none"):
    returns = {}
    for row in ON:
        own = [REWARDS[one] for one in ON if GROUPS[one] == GROUPS[row]]
        kept = tokens_of(row, v.mask)
        score = REWARDS[row] - (sum(own) / len(own) if baseline == "group" else 0)
        for i, t in enumerate(kept):
            later = kept[i:]
            rewards = [-klCoefficient * (v.old[s] - v.ref[s]) + (score if s == kept[-1] else 0) for s in later]
            returns[t] = sum(discount**k * r for k, r in enumerate(rewards)).detach() + torch.zeros(())
    values = torch.stack(list(returns.values()))
    advantage = {t: (one - values.mean()) / (values.var() + 1e-8).sqrt() for t, one in returns.items()}
    return {"policy": aggregate(lambda t, row: clipped(v.ratio(t), advantage[t]), ON, v.mask, "token-mean")}


def dapo_overlong(v, overlong):
    saved = list(REWARDS)
    for row in ON:
        over = (overlong["maxTokens"] - overlong["buffer"] - LENGTHS[row]) / overlong["buffer"]
        REWARDS[row] += max(-1.0, min(0.0, over))
    advantage = group_advantages(ON, ON)
    REWARDS[:] = saved
    return {"policy": aggregate(lambda t, row: clipped(v.ratio(t), advantage[row], 0.2, 0.28), ON, v.mask, "token-mean")}


def grpo_kl(v, kl):
    advantage = group_advantages(ON, ON)
    policy = aggregate(lambda t, row: clipped(v.ratio(t), advantage[row]), ON, v.mask, "sequence-mean")

    def estimate(t, row):
        pair = (v.lp[t], v.ref[t]) if kl.get("direction", "policy-reference") == "policy-reference" else (v.ref[t], v.lp[t])
        return kl["coefficient"] * kl_estimate(*pair, kl["estimator"])

    return {"policy": policy, "kl": aggregate(estimate, ON, v.mask, "sequence-mean")}


def mixed(expert):
    def terms(v, reduction="token-mean", **options):
        rows = ON + GROUPED
        advantage = group_advantages(rows, rows, "none")

        def policy(t, row):
            return -v.ratio(t) * advantage[row] if row in ON else 0 * v.lp[t]

        def demonstration(t, row):
            return expert(v, t, advantage[row], **options) if row in GROUPED else 0 * v.lp[t]

        return {
            "policy": aggregate(policy, rows, v.mask, reduction),
            "demonstration": aggregate(demonstration, rows, v.mask, reduction),
        }

    return terms


def luffy(v, t, advantage, shaping={"gamma": 0.1}):
    p = v.lp[t].exp()
    return -advantage * (p if shaping == "none" else p / (p + shaping["gamma"]))


def rl_plus(v, t, advantage, exploration=0.5, uniform=1.0):
    p, old = v.lp[t].exp(), v.before(t).exp()
    omega = 0.5 * (old + uniform)
    return -advantage * (1 - p.detach()) ** exploration * 2 * p / (omega + old)


def chord(v, mu=0.1, weight="phi"):
    advantage = group_advantages(ON, ON)

    def phi(t):
        p = v.lp[t].exp().detach()
        return {"phi": p * (1 - p), "one": torch.ones(()), "probability": p}[weight]

    policy = aggregate(lambda t, row: clipped(v.ratio(t), advantage[row]), ON, v.mask, "token-mean")
    sft = aggregate(lambda t, row: -phi(t) * v.lp[t], DEMOS, v.mask, "token-mean")
    return {"policy": (1 - mu) * policy, "sft": mu * sft}


def gate(std):
    def terms(v, threshold=0.0, sftScale=1.0):
        def imitated(row):
            solved = [REWARDS[one] > 0 for one in ON if GROUPS[one] == GROUPS[row]]
            return sum(solved) / len(solved) <= threshold

        advantage = group_advantages(ON, ON, std)

        def policy(t, row):
            return 0 * v.lp[t] if imitated(row) else clipped(v.ratio(t), advantage[row])

        def sft(t, row):
            return -sftScale * v.lp[t] if imitated(row) else 0 * v.lp[t]

        return {
            "policy": aggregate(policy, ON, v.mask, "token-mean"),
            "sft": aggregate(sft, GROUPED, v.mask, "token-mean"),
        }

    return terms


def super_rl_mixture(v, logSigmas):
    s_policy, s_sft = torch.tensor(logSigmas["policy"]), torch.tensor(logSigmas["sft"])
    advantage = group_advantages(ON, ON)
    policy = aggregate(lambda t, row: clipped(v.ratio(t), advantage[row]), ON, v.mask, "token-mean")
    sft = aggregate(lambda t, row: -v.lp[t], DEMOS, v.mask, "token-mean")
    return {
        "policy": torch.exp(-2 * s_policy) * policy,
        "sft": torch.exp(-2 * s_sft) * sft,
        "logSigmas": s_policy + s_sft,
    }


def prefix_of(row, mask):
    return [t for t in range(STARTS[row], STARTS[row] + PREFIXES[row]) if mask[t] == 1]


def prefix_rft(v, prefixEntropyShare=0.2):
    advantage = group_advantages(ON, ON, "none")
    prefixes = [t for row in ON for t in prefix_of(row, v.mask)]
    threshold = torch.quantile(v.ent[prefixes].detach(), 1 - prefixEntropyShare)

    def token(t, row):
        if t in prefixes and v.ent[t] < threshold:
            return 0 * v.lp[t]
        return clipped(v.ratio(t), advantage[row])

    return {"policy": aggregate(token, ON, v.mask, "token-mean")}


def uft(v, hintScale=0.001):
    advantage = group_advantages(ON, ON)
    hints = [t for row in ON for t in prefix_of(row, v.mask)]
    rest = [0 if t in hints else v.mask[t] for t in range(TOKENS)]
    policy = aggregate(lambda t, row: clipped(v.ratio(t), advantage[row]), ON, rest, "sequence-mean")
    return {"policy": policy, "hint": -hintScale * v.lp[hints].mean()}


OBJECTIVES = {
    "dft": imitation(dft),
    "iwSft": imitation(iw_sft),
    "psft": psft,
    "sftKl": sft_kl,
    "rloo": rloo,
    "wReinforce": w_reinforce,
    "reinforcePlusPlus": reinforce_plus_plus,
    "dapo": dapo_overlong,
    "grpo": grpo_kl,
    "luffy": mixed(luffy),
    "rlPlus": mixed(rl_plus),
    "chord": chord,
    "hpt": gate("none"),
    "superRl": gate("population"),
    "superRlMixture": super_rl_mixture,
    "prefixRft": prefix_rft,
    "uft": uft,
}

CASES = [
    ("dft", {}, "mask"),
    ("iwSft", {}, "reference"),
    ("iwSft", {"temperature": 5.0}, "reference mask"),
    ("iwSft", {"over": "token"}, "reference"),
    ("psft", {}, "old"),
    ("psft", {"clipRange": [0.1, 0.05]}, "old mask"),
    *[
        ("sftKl", {"estimator": estimator, "direction": direction}, "reference")
        for estimator in ("k1", "k2", "k3", "abs")
        for direction in ("policy-reference", "reference-policy")
    ],
    ("rloo", {}, ""),
    ("wReinforce", {}, "mask"),
    ("wReinforce", {"positiveWeight": 1}, ""),
    ("reinforcePlusPlus", {}, "old"),
    ("reinforcePlusPlus", {"discount": 0.9, "klCoefficient": 0.1}, "old reference"),
    ("reinforcePlusPlus", {"baseline": "group"}, "old mask"),
    ("dapo", {"overlong": {"maxTokens": 4, "buffer": 3}}, "old"),
    *[("grpo", {"kl": {"coefficient": 0.3, "estimator": one}}, "old reference") for one in ("k1", "k2", "k3", "abs")],
    ("grpo", {"kl": {"coefficient": 0.3, "estimator": "k3", "direction": "reference-policy"}}, "reference mask"),
    ("luffy", {}, ""),
    ("luffy", {"shaping": "none", "reduction": {"constant": 4}}, "old mask"),
    ("rlPlus", {}, ""),
    ("rlPlus", {"uniform": 0.2, "exploration": 1}, "old"),
    ("chord", {}, "old"),
    ("chord", {"mu": 0.7, "weight": "one"}, "mask"),
    ("chord", {"weight": "probability"}, ""),
    ("hpt", {}, "old"),
    ("hpt", {"threshold": 0.5, "sftScale": 0.3}, "mask"),
    ("superRl", {}, ""),
    ("superRlMixture", {"logSigmas": {"policy": 0.25, "sft": -0.5}}, "old"),
    ("prefixRft", {}, "prefix old"),
    ("prefixRft", {"prefixEntropyShare": 0.6}, "prefix mask"),
    ("uft", {"hintScale": 0.5}, "prefix old"),
    ("uft", {}, "prefix mask"),
]


class View:
    def __init__(self, logits, extras):
        self.lp, self.ent = statistics(logits)
        self.old = statistics(OLD_LOGITS)[0] if "old" in extras else self.lp.detach()
        self.ref = statistics(REFERENCE_LOGITS)[0]
        self.mask = MASK if "mask" in extras else [1] * TOKENS

    def before(self, t):
        return self.old[t]

    def ratio(self, t):
        return torch.exp(self.lp[t] - self.old[t])


def golden_case(objective, options, extras):
    logits = LOGITS.clone().requires_grad_()
    view = View(logits, extras)
    view.lp.retain_grad()
    terms = OBJECTIVES[objective](view, **options)
    value = sum(terms.values())
    value.backward()
    return {
        "objective": objective,
        "options": options,
        "extras": extras,
        "value": rounded(value.item()),
        "terms": {name: rounded(term.item()) for name, term in terms.items()},
        "logprobs": rounded(view.lp.grad),
        "logits": rounded(logits.grad),
    }


def main():
    assert len(LABELS) == TOKENS and len(PREFIXES) == len(list(ROWS))
    golden = {
        "source": "literal PyTorch implementation, autograd, float64",
        "command": "python3 test/oracle/objectives_relatives.py",
        "versions": {"torch": torch.__version__},
        "tolerance": "relative or absolute 1e-6 (gradients leave the objectives as float32)",
        "referenceLogits": rounded(REFERENCE_LOGITS),
        "prefixLengths": PREFIXES,
        "cases": [golden_case(*case) for case in CASES],
    }
    file = os.path.join(os.path.dirname(__file__), "../golden/objectives-relatives.json")
    with open(file, "w", encoding="utf-8") as out:
        json.dump(golden, out)
        out.write("\n")


if __name__ == "__main__":
    main()
