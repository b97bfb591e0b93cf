"""Golden advantages and KL estimates of verl's own functions, run on the recorded batch of objectives.json.

verl's module wants an installation with Ray; its functions do not. They are executed as they stand in a checkout of
github.com/volcengine/verl at the commit that `COMMIT` names, with stand-ins for what they import and do not use.

    git clone https://github.com/volcengine/verl && git -C verl checkout b178a3cd56f58b2d502255daba591e92833930a7
    VERL=verl python3 test/oracle/verl_core.py
"""

import ast
import json
import os
import sys
from types import ModuleType

import numpy
import torch
from objectives import GROUPS, LENGTHS, LOGITS, MASK, OLD_LOGITS, REWARDS, rounded, statistics
from trl_losses import REFERENCE_LOGITS, ROWS, flat, padded

COMMIT = "b178a3cd56f58b2d502255daba591e92833930a7"
ROOT = os.environ["VERL"]


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as source:
        return source.read()


def whitening():
    """masked_whiten and what it calls, from a module whose other imports are not at hand."""
    wanted = {"masked_sum", "masked_mean", "masked_var", "masked_whiten"}
    tree = ast.parse(read("verl/utils/torch_functional.py"))
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in wanted]
    module = ModuleType("verl.utils.torch_functional")
    module.torch = torch
    exec(compile(tree, "torch_functional.py", "exec"), module.__dict__)
    return module


class Anyone:
    """A type for annotations, and a decorator that changes nothing."""

    def __init__(self, *given):
        pass

    def __call__(self, function):
        return function


class Anything(ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anyone


def core_algos():
    functional = whitening()
    for name in ["omegaconf", "verl", "verl.trainer", "verl.trainer.config", "verl.utils.import_utils"]:
        sys.modules[name] = Anything(name)
    sys.modules["verl.utils"] = Anything("verl.utils")
    sys.modules["verl.workers"] = sys.modules["verl.workers.config"] = Anything("verl.workers.config")
    sys.modules["verl"].utils = sys.modules["verl.utils"]
    sys.modules["verl.utils"].torch_functional = functional
    sys.modules["verl.utils.torch_functional"] = functional
    module = ModuleType("core_algos")
    sys.modules["core_algos"] = module
    exec(compile(read("verl/trainer/ppo/core_algos.py"), "core_algos.py", "exec"), module.__dict__)
    return module


class Config(dict):
    __getattr__ = dict.__getitem__


def advantages(core):
    mask = padded(torch.tensor([1.0] * len(MASK)))
    old, reference = padded(statistics(OLD_LOGITS)[0]), padded(statistics(REFERENCE_LOGITS)[0])
    groups = numpy.array([GROUPS[row] for row in ROWS])
    ends = torch.tensor([LENGTHS[row] - 1 for row in ROWS])
    rewards = torch.tensor([REWARDS[row] for row in ROWS])
    scores = torch.zeros_like(mask).scatter(1, ends[:, None], rewards[:, None])
    penalised = scores - 0.1 * core.kl_penalty(old, reference, "kl") * mask

    def run(name, token_rewards, **more):
        result, _ = getattr(core, name)(token_level_rewards=token_rewards.clone(), response_mask=mask, **more)
        return flat(result)

    outcome = "reinforce_plus_plus_outcome_advantage"
    return {
        "grpo": run("compute_grpo_outcome_advantage", scores, index=groups),
        "drGrpo": run("compute_grpo_outcome_advantage", scores, index=groups, norm_adv_by_std_in_grpo=False),
        "rloo": run("compute_rloo_outcome_advantage", scores, index=groups),
        "reinforcePlusPlus": run(f"compute_{outcome}", scores, config=Config(gamma=0.9)),
        "reinforcePlusPlusKl": run(f"compute_{outcome}", penalised, config=Config(gamma=1.0)),
        "reinforcePlusPlusBaseline": run(
            "compute_reinforce_plus_plus_baseline_outcome_advantage", scores, index=groups
        ),
    }


def kl(core):
    logprob, reference = statistics(LOGITS)[0], statistics(REFERENCE_LOGITS)[0]
    return {name: rounded(core.kl_penalty_forward(logprob, reference, name)) for name in ("k1", "abs", "k2", "k3")}


def main():
    core = core_algos()
    golden = {
        "source": f"functions of verl/trainer/ppo/core_algos.py, run (github.com/volcengine/verl, {COMMIT})",
        "command": "VERL=verl python3 test/oracle/verl_core.py",
        "versions": {"torch": torch.__version__},
        "tolerance": "relative or absolute 1e-6 (advantages are float32 there)",
        "advantages": advantages(core),
        "kl": kl(core),
    }
    with open(os.path.join(os.path.dirname(__file__), "../golden/verl.json"), "w", encoding="utf-8") as out:
        json.dump(golden, out)
        out.write("\n")


if __name__ == "__main__":
    main()
