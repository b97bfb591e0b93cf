"""Small checkpoints before and after two runs, and what NumPy says of the difference, in float64.

    python3 test/oracle/parameter_diff.py test/golden/parameter-diff
"""
import json, pathlib, platform, sys
import numpy as np, safetensors, torch
from safetensors.torch import save_file

SHAPES = {"model.embed_tokens.weight": (40, 12), "model.norm.weight": (12,)} | {
    f"model.layers.{i}.{name}": shape for i in (0, 1) for name, shape in
    {"self_attn.q_proj.weight": (12, 12), "self_attn.q_proj.bias": (12,), "mlp.down_proj.weight": (12, 30)}.items()}
TOLERANCE, ENERGY = 1e-3, 0.9
rng = np.random.default_rng(5)


def base(name, shape):
    return (rng.normal(size=shape) * 0.3).astype(np.float32)


def tuned(name, a, run):
    """Dense low-rank change in the embeddings, sparse ones elsewhere, tiny ones in layer 1, none in the norm."""
    if name == "model.norm.weight":
        return a.copy()
    if name == "model.embed_tokens.weight":
        return a + (rng.normal(size=(40, 3)) @ rng.normal(size=(3, 12)) * 0.01 + rng.normal(size=(40, 12)) * 1e-4).astype(np.float32)
    scale = 1e-5 if ".1." in name else 0.02
    return (a + rng.normal(size=a.shape) * scale * (rng.random(a.shape) < 0.4)).astype(np.float32)


bf16 = lambda x: torch.from_numpy(np.ascontiguousarray(x)).to(torch.bfloat16).to(torch.float64).numpy()


def sums(pairs):
    delta = np.concatenate([(b.astype(np.float64) - a).ravel() for a, b in pairs])
    before = np.concatenate([a.astype(np.float64).ravel() for a, _ in pairs])
    rounded = np.concatenate([(bf16(b) - bf16(a)).ravel() for a, b in pairs])
    return dict(elements=delta.size, norm=float(np.linalg.norm(delta)), max=float(np.abs(delta).max()),
                relativeNorm=float(np.linalg.norm(delta) / np.linalg.norm(before)),
                unchanged=float((np.abs(delta) <= TOLERANCE).mean()),
                unchangedBfloat16=float((np.abs(rounded) <= 1e-5).mean()), equalBfloat16=float((rounded == 0).mean()))


def ranks(a, b):
    values = np.linalg.svd(b.astype(np.float64) - a.astype(np.float64), compute_uv=False)
    energy = np.cumsum(values ** 2) / np.sum(values ** 2)
    return dict(singularValues=values.tolist(), stableRank=float(np.sum(values ** 2) / values[0] ** 2),
                energyRank=int(np.argmax(energy >= ENERGY)) + 1,
                rank=int((values > max(a.shape) * 2.0 ** -23 * values[0]).sum()))


def overlap(parts, differs):
    sets = [(differs(a, b).ravel(), differs(a, c).ravel()) for a, b, c in parts]
    first, second = sum(int(p.sum()) for p, _ in sets), sum(int(q.sum()) for _, q in sets)
    both = sum(int((p & q).sum()) for p, q in sets)
    return dict(updated=[first, second], both=both, first=both / first, second=both / second,
                jaccard=both / (first + second - both),
                chance=sum(p.sum() * q.sum() / p.size for p, q in sets) / first)


def main(folder):
    (folder / "sharded").mkdir(parents=True, exist_ok=True)
    a = {name: base(name, shape) for name, shape in SHAPES.items()}
    b = {name: tuned(name, x, 1) for name, x in a.items()}
    c = {name: tuned(name, x, 2) for name, x in a.items()}
    tensors = lambda arrays: {name: torch.from_numpy(x) for name, x in arrays.items()}
    save_file(tensors(a), folder / "base.safetensors")
    save_file(tensors(c), folder / "second.safetensors")
    names = sorted(b)
    shards = {"model-00001-of-00002.safetensors": names[:3], "model-00002-of-00002.safetensors": names[3:]}
    for file, part in shards.items():
        save_file(tensors({name: b[name] for name in part}), folder / "sharded" / file)
    index = {"metadata": {"total_size": sum(x.nbytes for x in b.values())},
             "weight_map": {name: file for file, part in shards.items() for name in part}}
    (folder / "sharded/model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    groups = {key: [n for n in names if f".layers.{key}." in n] for key in ("0", "1")}
    outside = [n for n in names if ".layers." not in n]
    pairs = lambda part: [(a[n], b[n]) for n in part]
    triples = [(a[n], b[n], c[n]) for n in names]
    (folder / "golden.json").write_text(json.dumps({
        "source": "test/oracle/parameter_diff.py", "command": "python3 test/oracle/parameter_diff.py test/golden/parameter-diff",
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__,
                     "safetensors": safetensors.__version__},
        "tolerance": "1e-12 of the value; singular values 1e-9 of the largest", "updateTolerance": TOLERANCE, "energy": ENERGY,
        "tensors": {n: sums(pairs([n])) for n in names}, "total": sums(pairs(names)),
        "layers": {"null": sums(pairs(outside)), **{key: sums(pairs(part)) for key, part in groups.items()}},
        "ranks": {n: ranks(a[n], b[n]) for n in names if a[n].ndim == 2 and not np.array_equal(a[n], b[n])},
        "overlap": {"stored": overlap(triples, lambda x, y: np.abs(y.astype(np.float64) - x) > 0),
                    "bfloat16": overlap(triples, lambda x, y: np.abs(bf16(y) - bf16(x)) > 1e-5)}}) + "\n")


main(pathlib.Path(sys.argv[1]))
