"""Golden losses and gradients of TRL's own GRPOTrainer._compute_loss on recorded logits.

The trainer's method runs unchanged on a stand-in for the trainer: its settings are attributes, its forward pass returns
recorded logits, its accelerator is one process. Advantages are (R - mean) / (std + 1e-4) with torch.std, as
GRPOTrainer computes them for scale_rewards="group", or R - mean for "none".

    python3 test/oracle/trl_losses.py
"""

import json
import os
from collections import defaultdict
from types import SimpleNamespace

import torch
import trl
from objectives import GROUPS, LABELS, LENGTHS, LOGITS, MASK, OLD_LOGITS, REWARDS, STARTS, rounded, statistics
from trl.trainer.grpo_trainer import GRPOTrainer

ROWS = range(7)
LONGEST = max(LENGTHS[row] for row in ROWS)
# TRL counts a row whose tokens are all masked in the mean over rows and we do not; here every row keeps a token.
PARTIAL_MASK = [1 if token == STARTS[1] else one for token, one in enumerate(MASK)]
REFERENCE_LOGITS = (LOGITS.flip(0) * 0.3 + LOGITS * 0.7).round(decimals=3)


def padded(values, fill=0.0):
    rows = []
    for row in ROWS:
        own = values[STARTS[row] : STARTS[row] + LENGTHS[row]]
        rows.append(torch.cat([own, torch.full((LONGEST - LENGTHS[row],), fill, dtype=own.dtype)]))
    return torch.stack(rows)


def advantages_of(scale):
    rewards = torch.tensor([REWARDS[row] for row in ROWS])
    result = torch.zeros(len(rewards))
    for group in set(GROUPS[row] for row in ROWS):
        members = [row for row in ROWS if GROUPS[row] == group]
        own = rewards[members]
        centred = own - own.mean()
        result[members] = centred / (own.std() + 1e-4) if scale == "group" else centred
    return result


class OneProcess:
    num_processes = 1
    sync_gradients = True

    def gather(self, value):
        return value

    def reduce(self, value, reduction="sum"):
        return value

    def pad_across_processes(self, value, dim=0, pad_index=0):
        return value


def trainer(loss_type, logprobs, entropies, settings):
    fields = {
        "loss_type": loss_type,
        "importance_sampling_level": "token",
        "epsilon_low": 0.2,
        "epsilon_high": 0.2,
        "beta": 0.0,
        "top_entropy_quantile": 1.0,
        "entropy_coef": 0.0,
        **settings,
    }
    stand_in = SimpleNamespace(
        **fields,
        aux_loss_enabled=False,
        off_policy_mask_threshold=None,
        use_vllm=False,
        vllm_importance_sampling_correction=False,
        max_completion_length=LONGEST,
        model=SimpleNamespace(training=True),
        current_gradient_accumulation_steps=1,
        accelerator=OneProcess(),
        use_adaptive_entropy=False,
        _entropy_bonus_enabled=fields["entropy_coef"] != 0.0,
        _metrics={"train": defaultdict(list)},
        args=SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=1),
    )
    stand_in._get_per_token_logps_and_entropies = lambda *_, **__: (logprobs, entropies, None)
    stand_in.get_high_entropy_mask = lambda *given: GRPOTrainer.get_high_entropy_mask(stand_in, *given)
    return stand_in


def case(loss_type, ours, settings, scale="group", extras="old"):
    logits = LOGITS.clone().requires_grad_()
    logprobs, entropies = statistics(logits)
    logprobs.retain_grad()
    entropies.retain_grad()
    flat = torch.tensor(PARTIAL_MASK if "mask" in extras else [1] * len(MASK))
    mask = padded(flat, 0)
    inputs = {
        "prompt_ids": torch.zeros(len(ROWS), 1, dtype=torch.long),
        "prompt_mask": torch.ones(len(ROWS), 1, dtype=torch.long),
        "completion_ids": padded(LABELS, 0),
        "completion_mask": mask,
        "advantages": advantages_of(scale),
        "num_items_in_batch": mask.sum(),
        "ref_per_token_logps": padded(statistics(REFERENCE_LOGITS)[0]),
    }
    if "old" in extras:
        inputs["old_per_token_logps"] = padded(statistics(OLD_LOGITS)[0])
    stand_in = trainer(loss_type, padded(logprobs), padded(entropies), settings)
    loss = GRPOTrainer._compute_loss(stand_in, None, inputs)
    loss.backward()
    zeros = torch.zeros_like(logprobs)
    return {
        "loss_type": loss_type,
        "settings": settings,
        **ours,
        "extras": extras,
        "value": rounded(loss.item()),
        "logprobs": rounded(logprobs.grad),
        "entropies": rounded(zeros if entropies.grad is None else entropies.grad),
        "logits": rounded(logits.grad),
    }


UNBIASED = {"std": "unbiased", "epsilon": 1e-4}


def cases():
    kl = {"coefficient": 0.04, "estimator": "k3"}
    return [
        case("grpo", {"objective": "grpo", "options": UNBIASED}, {}, extras=""),
        case("grpo", {"objective": "grpo", "options": UNBIASED}, {}),
        case("grpo", {"objective": "grpo", "options": {**UNBIASED, "kl": kl}}, {"beta": 0.04}, extras="old mask"),
        case(
            "bnpo",
            {"objective": "grpo", "options": {**UNBIASED, "reduction": "token-mean"}},
            {},
            extras="old mask",
        ),
        case("dr_grpo", {"objective": "drGrpo", "options": {"maxTokens": LONGEST}}, {}, scale="none"),
        case("dapo", {"objective": "dapo", "options": UNBIASED}, {"epsilon_high": 0.28}, extras="old mask"),
        case(
            "dapo",
            {"objective": "dapo", "options": {**UNBIASED, "entropyShare": 0.3, "entropyBonus": 0.01}},
            {"epsilon_high": 0.28, "top_entropy_quantile": 0.3, "entropy_coef": 0.01},
        ),
        case("cispo", {"objective": "cispo", "options": UNBIASED}, {"epsilon_high": 5.0}),
        case("cispo", {"objective": "cispo", "options": {**UNBIASED, "clipRange": [1, 0.1]}}, {"epsilon_high": 1.1}),
        case(
            "grpo",
            {"objective": "gspo", "options": UNBIASED},
            {"importance_sampling_level": "sequence", "epsilon_low": 3e-4, "epsilon_high": 4e-4},
        ),
        case(
            "grpo",
            {"objective": "gspo", "options": {**UNBIASED, "clipRange": [0.3, 0.3]}},
            {"importance_sampling_level": "sequence", "epsilon_low": 0.3, "epsilon_high": 0.3},
            extras="old mask",
        ),
    ]


def flat(values):
    return rounded(torch.cat([values[i, : LENGTHS[row]] for i, row in enumerate(ROWS)]))


def main():
    golden = {
        "source": "GRPOTrainer._compute_loss of TRL on the batch of objectives.json",
        "command": "python3 test/oracle/trl_losses.py",
        "versions": {"torch": torch.__version__, "trl": trl.__version__},
        "tolerance": "relative or absolute 1e-6 (gradients leave the objectives as float32)",
        "referenceLogits": rounded(REFERENCE_LOGITS),
        "mask": PARTIAL_MASK,
        "cases": cases(),
    }
    file = os.path.join(os.path.dirname(__file__), "../golden/trl.json")
    with open(file, "w", encoding="utf-8") as out:
        json.dump(golden, out)
        out.write("\n")


if __name__ == "__main__":
    main()
