"""Golden values of the engine's operators: outputs and gradients by PyTorch's autograd in float64.

    python3 test/oracle/ops.py > test/golden/ops.json

A case names the operator as src/graph/ops.ts exports it, the inputs (representable in float32), the numbers it is given
besides, the output y and the gradients of sum(y * c) with respect to every input.
"""
import json, math, platform
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(5)
IDS = torch.tensor([2, 0, 2, 1])


def rand(*shape, low=None):
    x = torch.randn(shape, generator=generator).float().double()
    return x if low is None else (low + x.abs()).float().double()


def rotary(x, base=1000.0, first=2):
    half = x.shape[-1] // 2
    angle = (first + torch.arange(x.shape[-2]))[:, None] * base ** (-torch.arange(half) / half)[None]
    angle = angle.double()
    cos, sin = angle.cos().float().double(), angle.sin().float().double()
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def statistics(x):
    logs = F.log_softmax(x, -1)
    return logs.gather(1, IDS[:, None]), -(logs.exp() * logs).sum(-1, keepdim=True)


def move(x, index):
    return torch.cat([x, torch.zeros(1, x.shape[-1])])[torch.tensor(index)]


INDEX = [[0, 1, 4], [2, 3, 4]]
PLACES = [0, 1, 3, 4]
cases = [
    ("add", "same shape", [rand(2, 3), rand(2, 3)], torch.add, {}),
    ("add", "a vector to every row", [rand(2, 3), rand(3)], torch.add, {}),
    ("add", "both stretched", [rand(2, 1, 3), rand(4, 1)], torch.add, {}),
    ("add", "a scalar", [rand(2, 2), rand()], torch.add, {}),
    ("subtract", "a column", [rand(2, 1), rand(2, 3)], torch.sub, {}),
    ("subtract", "one number", [rand(1), rand(1)], torch.sub, {}),
    ("multiply", "a column", [rand(2, 3), rand(2, 1)], torch.mul, {}),
    ("multiply", "both stretched", [rand(3, 1), rand(1, 4)], torch.mul, {}),
    ("divide", "by a vector", [rand(2, 3), rand(3, low=0.5)], torch.div, {}),
    ("divide", "a scalar by a matrix", [rand(), rand(2, 2, low=0.5)], torch.div, {}),
    ("negate", "a vector", [rand(3)], torch.neg, {}),
    ("scale", "by -0.3", [rand(2, 3)], lambda x: x * torch.tensor(-0.3).float().double(), {"factor": -0.3}),
    ("exp", "a vector", [rand(4)], torch.exp, {}),
    ("exp", "far below 0", [torch.tensor([-100.0, -1.0, 0.0])], torch.exp, {}),
    ("log", "positive", [rand(4, low=0.1)], torch.log, {}),
    ("sqrt", "positive", [rand(4, low=0.1)], torch.sqrt, {}),
    ("erf", "both signs", [rand(5)], torch.erf, {}),
    ("erf", "where it is flat", [torch.tensor([-6.0, 0.0, 6.0])], torch.erf, {}),
    ("sigmoid", "both signs", [rand(2, 3)], torch.sigmoid, {}),
    ("sigmoid", "where it is flat", [torch.tensor([-40.0, 0.0, 40.0])], torch.sigmoid, {}),
    ("silu", "both signs", [rand(2, 3)], F.silu, {}),
    ("gelu", "both signs", [rand(2, 3)], F.gelu, {}),
    ("gelu", "where it is flat", [torch.tensor([-8.0, 0.0, 8.0])], F.gelu, {}),
    ("softmax", "rows", [rand(2, 4)], lambda x: F.softmax(x, -1), {}),
    ("softmax", "masked and large", [torch.tensor([[1.0, -1e9, 2.0], [500.0, 499.0, -1e9]])], lambda x: F.softmax(x, -1), {}),
    ("softmax", "four axes", [rand(2, 2, 1, 3)], lambda x: F.softmax(x, -1), {}),
    ("logSoftmax", "rows", [rand(2, 4)], lambda x: F.log_softmax(x, -1), {}),
    ("logSoftmax", "large", [torch.tensor([[500.0, 499.0, 0.0], [-3.0, -3.0, -3.0]])], lambda x: F.log_softmax(x, -1), {}),
    ("labelStatistics", "log-probabilities", [rand(4, 5)], lambda x: statistics(x)[0], {"ids": IDS.tolist(), "of": "logprobs"}),
    ("labelStatistics", "entropies", [rand(4, 5)], lambda x: statistics(x)[1], {"ids": IDS.tolist(), "of": "entropies"}),
    ("labelStatistics", "both", [rand(4, 5)], lambda x: torch.mul(*statistics(x)), {"ids": IDS.tolist(), "of": "both"}),
    ("labelStatistics", "both, large logits", [torch.tensor([[500.0, 499.0, 0.0], [-3.0, -3.0, -3.0]] * 2)], lambda x: torch.mul(*statistics(x)), {"ids": IDS.tolist(), "of": "both"}),
    ("rmsNorm", "rows", [rand(2, 4), 1 + 0.1 * rand(4).float().double()], lambda x, w: F.rms_norm(x, x.shape[-1:], w, 1e-6), {"epsilon": 1e-6}),
    ("rmsNorm", "heads", [rand(2, 2, 3, 4), rand(4)], lambda x, w: F.rms_norm(x, x.shape[-1:], w, 1e-5), {"epsilon": 1e-5}),
    ("rmsNorm", "nearly zero", [1e-3 * rand(2, 4), rand(4)], lambda x, w: F.rms_norm(x, x.shape[-1:], w, 1e-5), {"epsilon": 1e-5}),
    ("layerNorm", "rows", [rand(2, 4), rand(4), rand(4)], lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b, 1e-5), {"epsilon": 1e-5}),
    ("layerNorm", "three axes", [rand(2, 2, 3), rand(3), rand(3)], lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b, 1e-5), {"epsilon": 1e-5}),
    ("matmul", "a batch each", [rand(2, 2, 3), rand(2, 3, 2)], torch.matmul, {}),
    ("matmul", "one matrix for all", [rand(2, 2, 3), rand(3, 2)], torch.matmul, {}),
    ("matmul", "grouped heads", [rand(1, 2, 2, 2, 3), rand(1, 2, 1, 3, 2)], torch.matmul, {}),
    ("gemm", "as they are", [rand(2, 3), rand(3, 4)], lambda a, b: a @ b, {}),
    ("gemm", "a transposed", [rand(3, 2), rand(3, 4)], lambda a, b: a.T @ b, {"options": {"transposeA": 1}}),
    ("gemm", "b transposed", [rand(2, 3), rand(4, 3)], lambda a, b: a @ b.T, {"options": {"transposeB": 1}}),
    ("linear", "a layer", [rand(3, 2), rand(4, 2)], F.linear, {}),
    ("linear", "one row, one column", [rand(1, 3), rand(1, 3)], F.linear, {}),
    ("reshape", "to other rows", [rand(2, 3)], lambda x: x.reshape(3, 2), {"shape": [3, 2]}),
    ("transpose", "three axes", [rand(2, 3, 2)], lambda x: x.permute(2, 0, 1), {"order": [2, 0, 1]}),
    ("transposeLast", "four axes", [rand(1, 2, 2, 3)], lambda x: x.transpose(-1, -2), {}),
    ("sum", "one axis", [rand(2, 3)], lambda x: x.sum(1, keepdim=True), {"axes": [1]}),
    ("sum", "two axes", [rand(2, 3, 2)], lambda x: x.sum((0, -1), keepdim=True), {"axes": [0, -1]}),
    ("mean", "last axis", [rand(2, 3)], lambda x: x.mean(-1, keepdim=True), {"axes": [-1]}),
    ("broadcastLike", "a column", [rand(2, 1)], lambda x: x.expand(2, 3), {"like": [2, 3]}),
    ("concat", "columns", [rand(2, 1), rand(2, 3)], lambda a, b: torch.cat([a, b], 1), {"axis": 1}),
    ("concat", "last axis", [rand(2, 1, 2), rand(2, 1, 1)], lambda a, b: torch.cat([a, b], -1), {"axis": -1}),
    ("split", "one part used", [rand(2, 4)], lambda x: x.split([1, 3], 1)[1], {"axis": 1, "sizes": [1, 3]}),
    ("split", "both used", [rand(2, 4)], lambda x: torch.mul(*x.split([2, 2], 1)), {"axis": 1, "sizes": [2, 2]}),
    ("embed", "a row twice", [rand(3, 2)], lambda table: table[IDS], {"ids": IDS.tolist()}),
    ("embed", "a large table", [rand(513, 1)], lambda table: table[IDS], {"ids": IDS.tolist()}),
    ("sumById", "an id twice", [rand(4, 2)], lambda rows: torch.zeros(3, 2).index_add(0, IDS, rows), {"ids": IDS.tolist(), "size": 3}),
    ("pick", "an id a row", [rand(4, 3)], lambda x: x.gather(1, IDS[:, None]), {"ids": IDS.tolist()}),
    ("moveRows", "padding", [rand(4, 2)], lambda x: move(x, INDEX), {"index": INDEX, "places": PLACES}),
    ("moveRows", "packing", [rand(2, 3, 2)], lambda x: x.reshape(6, 2)[PLACES], {"index": INDEX, "places": PLACES}),
    ("rotary", "from position 2", [rand(2, 2, 3, 4)], rotary, {"first": 2, "base": 1000}),
    ("rotary", "one position", [rand(1, 1, 1, 2)], rotary, {"first": 2, "base": 1000}),
]


def array(x):
    return {"shape": list(x.shape), "data": [float(f"{v:.10g}") for v in x.detach().reshape(-1).tolist()]}


def row(op, name, inputs, run, options):
    inputs = [x.clone().requires_grad_() for x in inputs]
    y = run(*inputs)
    c = rand(*y.shape)
    gradients = torch.autograd.grad((y * c).sum(), inputs)
    return {"op": op, "name": name, "options": options, "inputs": [array(x) for x in inputs], "c": array(c), "y": array(y),
            "gradients": [array(g) for g in gradients]}


print(json.dumps({
    "source": "PyTorch's operators and autograd in float64",
    "command": "python3 test/oracle/ops.py > test/golden/ops.json",
    "versions": {"python": platform.python_version(), "torch": torch.__version__},
    "tolerance": "2e-6 of the largest entry: float32 rounds each of a few operations by 6e-8, and sums of up to 8 terms cancel",
    "cases": [row(*case) for case in cases],
}, indent=None, separators=(",", ":")))
