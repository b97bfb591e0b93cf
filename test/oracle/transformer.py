"""Golden values of the transformer: scores, gradients and three optimizer steps by PyTorch in float64.

    python3 test/oracle/transformer.py > test/golden/transformer.json
"""
import json, math, platform, sys
import torch

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(11)
CONFIG = dict(vocabularySize=11, layers=2, width=16, heads=2, hidden=24, contextLength=32, ropeBase=1000,
              normEpsilon=1e-6, endToken=2)
V, L, D, H, F = (CONFIG[k] for k in ("vocabularySize", "layers", "width", "heads", "hidden"))


def rand(*shape, scale):
    return (torch.randn(*shape, generator=generator) * scale).float().double()  # representable in float32


def parameters():
    p = {"embedding": rand(V, D, scale=0.3)}
    for i in range(L):
        p[f"layers.{i}.attention.norm"] = 1 + rand(D, scale=0.1)
        p[f"layers.{i}.attention.qkv"] = rand(3 * D, D, scale=0.25)
        p[f"layers.{i}.attention.output"] = rand(D, D, scale=0.25)
        p[f"layers.{i}.mlp.norm"] = 1 + rand(D, scale=0.1)
        p[f"layers.{i}.mlp.up"] = rand(F, D, scale=0.25)
        p[f"layers.{i}.mlp.down"] = rand(D, F, scale=0.25)
    p["norm"] = 1 + rand(D, scale=0.1)
    return {k: v.float().double().requires_grad_() for k, v in p.items()}


def rms(x, weight):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + CONFIG["normEpsilon"]) * weight


def rotate(x):
    half = x.shape[-1] // 2
    angle = torch.arange(x.shape[-2])[:, None] * CONFIG["ropeBase"] ** (-torch.arange(half) / half)[None]
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)


def logits(p, tokens):
    """One row, no batch, no padding: [T] -> [T, V]."""
    x = p["embedding"][tokens]
    T = len(tokens)
    causal = torch.full((T, T), -math.inf).triu(1)
    for i in range(L):
        qkv = rms(x, p[f"layers.{i}.attention.norm"]) @ p[f"layers.{i}.attention.qkv"].T
        q, k, v = (t.view(T, H, D // H).transpose(0, 1) for t in qkv.split(D, -1))
        scores = rotate(q) @ rotate(k).transpose(-1, -2) / math.sqrt(D // H) + causal
        mixed = (scores.softmax(-1) @ v).transpose(0, 1).reshape(T, D)
        x = x + mixed @ p[f"layers.{i}.attention.output"].T
        inner = torch.nn.functional.gelu(rms(x, p[f"layers.{i}.mlp.norm"]) @ p[f"layers.{i}.mlp.up"].T)
        x = x + inner @ p[f"layers.{i}.mlp.down"].T
    return rms(x, p["norm"]) @ p["embedding"].T


def score(p, rows):
    logprobs, entropies = [], []
    for row in rows:
        prompt, completion = row["prompt"], row["completion"]
        every = logits(p, torch.tensor(prompt + completion[:-1])).log_softmax(-1)[len(prompt) - 1:]
        logprobs.append(every.gather(-1, torch.tensor(completion)[:, None])[:, 0])
        entropies.append(-(every.exp() * every).sum(-1))
    return torch.cat(logprobs), torch.cat(entropies)


def main():
    p = parameters()
    integers = lambda n: torch.randint(0, V, (n,), generator=generator).tolist()
    rows = [{"prompt": integers(a), "completion": integers(b)} for a, b in ((3, 5), (1, 1), (4, 9), (2, 3))]
    n = sum(len(row["completion"]) for row in rows)
    d_logprobs, d_entropies = rand(n, scale=0.5), rand(n, scale=0.5)
    start = {k: v.detach().flatten().tolist() for k, v in p.items()}
    logprobs, entropies = score(p, rows)
    ((d_logprobs * logprobs).sum() + (d_entropies * entropies).sum()).backward()
    gradients = {k: v.grad.flatten().tolist() for k, v in p.items()}
    settings = dict(learningRate=1e-2, betas=[0.9, 0.95], epsilon=1e-8, weightDecay=0.1, clipNorm=0.7)
    optimizer = torch.optim.AdamW(p.values(), lr=1e-2, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    norms = []
    for _ in range(3):
        optimizer.zero_grad()
        lp, h = score(p, rows)
        ((d_logprobs * lp).sum() + (d_entropies * h).sum()).backward()
        norms.append(torch.nn.utils.clip_grad_norm_(p.values(), 0.7).item())
        optimizer.step()
    rounded = lambda record: {k: [float(f"{x:.9g}") for x in v] for k, v in record.items()}
    json.dump({
        "source": "test/oracle/transformer.py", "command": "python3 test/oracle/transformer.py",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "tolerance": "computed in float64; ours is float32: 2e-5 relative to the largest entry",
        "config": CONFIG, "rows": rows, "dLogprobs": d_logprobs.tolist(), "dEntropies": d_entropies.tolist(),
        "parameters": rounded(start), "logprobs": logprobs.tolist(), "entropies": entropies.tolist(),
        "gradients": rounded(gradients), "settings": settings, "gradNorms": norms,
        "after": rounded({k: v.detach().flatten().tolist() for k, v in p.items()}),
    }, sys.stdout)


main()
