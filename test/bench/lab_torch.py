"""The lab policy and one SRFT step (paper form) in PyTorch eager: the peer that `npm run bench -- engine` measures.

Reads one JSON command a line on standard input, answers one JSON line: {"load": file, "threads": n}, {"sample": …},
{"update": …}, {"step": …}; {"logits": {"hidden": shape, "table": shape, "labels": […]}} and then {"statistics": {}}. "load" and
"logits" take a "device", cpu by default. Times are wall milliseconds of the work alone, until the device has finished.
"""
import json, math, struct, sys, time
import numpy as np
import torch
import torch.nn.functional as F


def read_checkpoint(file):
    with open(file, "rb") as handle:
        size = struct.unpack("<Q", handle.read(8))[0]
        header = json.loads(handle.read(size))
        body = handle.read()
    config = json.loads(header.pop("__metadata__")["transformer"])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(body[begin:end], dtype="<f4").reshape(entry["shape"]).copy()
        tensors[name] = torch.from_numpy(array).to(torch.get_default_device()).requires_grad_()
    return config, tensors


class Policy:
    def __init__(self, config, p):
        self.c, self.p = config, p
        half = config["width"] // config["heads"] // 2
        angle = torch.arange(config["contextLength"])[:, None] * config["ropeBase"] ** (-torch.arange(half) / half)[None]
        self.cos, self.sin = angle.cos(), angle.sin()
        self.optimizer = torch.optim.AdamW(p.values(), lr=2e-4, weight_decay=0.0, fused=True)

    def rms(self, x, name):
        return F.rms_norm(x, (x.shape[-1],), self.p[name], self.c["normEpsilon"])

    def rotate(self, x, positions):
        cos, sin = self.cos[positions][:, None], self.sin[positions][:, None]
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    def forward(self, tokens, positions, mask, cache=None):
        B, T = tokens.shape
        H, D = self.c["heads"], self.c["width"] // self.c["heads"]
        x, grown = self.p["embedding"][tokens], []
        for i in range(self.c["layers"]):
            qkv = F.linear(self.rms(x, f"layers.{i}.attention.norm"), self.p[f"layers.{i}.attention.qkv"])
            q, k, v = qkv.view(B, T, 3, H, D).permute(2, 0, 3, 1, 4)
            q, k = self.rotate(q, positions), self.rotate(k, positions)
            if cache is not None:
                k, v = torch.cat([cache[i][0], k], 2), torch.cat([cache[i][1], v], 2)
            grown.append((k, v))
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            x = x + F.linear(y.transpose(1, 2).reshape(B, T, -1), self.p[f"layers.{i}.attention.output"])
            up = F.gelu(F.linear(self.rms(x, f"layers.{i}.mlp.norm"), self.p[f"layers.{i}.mlp.up"]))
            x = x + F.linear(up, self.p[f"layers.{i}.mlp.down"])
        return self.rms(x, "norm"), grown

    def logits(self, hidden):
        return hidden @ self.p["embedding"].T

    @torch.no_grad()
    def sample(self, prompts, group, limit, end=2):
        P = max(map(len, prompts))
        tokens = torch.tensor([[0] * (P - len(p)) + p for p in prompts])
        pad = torch.tensor([P - len(p) for p in prompts])
        valid = torch.arange(P)[None] >= pad[:, None]
        mask = (torch.ones(P, P, dtype=torch.bool).tril()[None] & valid[:, None]) | torch.eye(P, dtype=torch.bool)[None]
        hidden, cache = self.forward(tokens, (torch.arange(P)[None] - pad[:, None]).clamp(min=0), mask[:, None])
        repeat = lambda x: x.repeat_interleave(group, 0)
        cache = [(repeat(k), repeat(v)) for k, v in cache]
        logits, valid, pad = repeat(self.logits(hidden[:, -1])), repeat(valid), repeat(pad)
        out, done = [], torch.zeros(len(pad), dtype=torch.bool)
        for t in range(limit):
            token = torch.multinomial(logits.softmax(-1), 1)[:, 0]
            token = torch.where(done, end, token)
            out.append(token)
            done = done | (token == end)
            if done.all():
                break
            valid = torch.cat([valid, torch.ones(len(pad), 1, dtype=torch.bool)], 1)
            hidden, cache = self.forward(token[:, None], (P + t - pad)[:, None], valid[:, None, None], cache)
            logits = self.logits(hidden[:, 0])
        rows = torch.stack(out, 1).tolist()
        return [row[: row.index(end) + 1] if end in row else row for row in rows]

    def score(self, rows):
        T = max(len(p) + len(c) for p, c in rows)
        tokens, labels = torch.zeros(len(rows), T, dtype=torch.long), torch.zeros(len(rows), T)
        for i, (p, c) in enumerate(rows):
            tokens[i, : len(p) + len(c)] = torch.tensor(p + c)
            labels[i, len(p) : len(p) + len(c)] = 1
        T -= 1
        causal = torch.ones(T, T, dtype=torch.bool).tril()[None, None]
        hidden, _ = self.forward(tokens[:, :-1], torch.arange(T)[None].expand(len(rows), T), causal)
        every = self.logits(hidden).log_softmax(-1)
        logprobs = every.gather(-1, tokens[:, 1:, None])[..., 0]
        return logprobs, -(every.exp() * every).sum(-1), labels[:, 1:]

    def apply(self, loss):
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.p.values(), 1.0)
        self.optimizer.step()

    def update(self, rows):
        logprobs, _, mask = self.score(rows)
        self.apply(-(logprobs * mask).sum() / mask.sum())

    def srft_step(self, prompts, group, limit, demonstrations, answers):
        completions = self.sample(prompts, group, limit)
        rewards = torch.tensor([1.0 if c[-2:] == [answers[i // group], 2] else 0.0 for i, c in enumerate(completions)])
        rows = [(prompts[i // group], c) for i, c in enumerate(completions)]
        logprobs, entropies, mask = self.score(rows)
        H = ((entropies * mask).sum() / mask.sum()).detach()
        sign = torch.where(rewards > 0, -0.1 * H.exp(), torch.tensor(1.0))[:, None]
        rollout = (sign * logprobs * mask).sum() / mask.sum()
        lp, e, m = self.score(demonstrations)
        Hd = ((e * m).sum() / m.sum()).detach()
        grouped = torch.cat([rewards.view(-1, group), torch.ones(len(prompts), 1)], 1)
        advantage = (grouped[:, -1] - grouped.mean(1)) / (grouped.std(1, unbiased=False) + 1e-8)
        advantage = torch.cat([advantage, torch.zeros(len(demonstrations) - len(prompts))])
        imitation = 0.5 * (-Hd).exp() * -(lp * m).sum() / m.sum()
        self.apply(rollout + imitation - (advantage[:, None] * lp.exp() * m).sum() / m.sum())
        return sum(map(len, completions))


@torch.no_grad()
def statistics(hidden, table, labels):
    every = (hidden @ table.T).log_softmax(-1)
    return every.gather(1, labels[:, None])[:, 0].cpu(), -(every.exp() * every).sum(-1).cpu()


def main():
    policy = logits = None
    for line in sys.stdin:
        command = json.loads(line)
        (verb, argument), = command.items()
        began, tokens = time.perf_counter(), None
        if verb in ("load", "logits"):
            torch.set_default_device(argument.pop("device", "cpu"))
        if verb == "logits":
            logits = [0.1 * torch.randn(argument["hidden"]), 0.1 * torch.randn(argument["table"]), torch.tensor(argument["labels"])]
        elif verb == "statistics":
            statistics(*logits)
        elif verb == "load":
            torch.set_num_threads(argument["threads"])
            torch.manual_seed(argument["seed"])
            policy = Policy(*read_checkpoint(argument["file"]))
        elif verb == "sample":
            tokens = sum(map(len, policy.sample(**argument)))
        elif verb == "update":
            policy.update([(row["prompt"], row["completion"]) for row in argument["rows"]])
        elif verb == "step":
            argument["demonstrations"] = [(row["prompt"], row["completion"]) for row in argument["demonstrations"]]
            tokens = policy.srft_step(**argument)
        if torch.get_default_device().type == "cuda":
            torch.cuda.synchronize()
        ms = (time.perf_counter() - began) * 1e3
        print(json.dumps({"ms": ms, "tokens": tokens, "torch": torch.__version__}), flush=True)


main()
