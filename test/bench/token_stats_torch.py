"""Token statistics in PyTorch eager: the peer that `npm run bench -- engine` measures.

Reads one JSON command a line on standard input, answers one JSON line: {"load": {"file": f, "rows": T, "vocabulary": V,
"labels": […], "threads": n}} (the file holds p and then q, [T, V] float32 each), {"tokens": {"chunk": rows at a time}} and
{"divergences": {"chunk": n}}, answered with wall milliseconds of the work alone, and {"reference": {"of": "tokens"}}, answered
with the columns in float64.
"""
import json, sys, time
import numpy as np
import torch


def token_statistics(x, labels):
    logprobs = torch.log_softmax(x, -1)
    maximum, argmax = x.max(-1)
    return logprobs.gather(1, labels[:, None])[:, 0], -(logprobs.exp() * logprobs).sum(-1), maximum, argmax


def divergence_statistics(x, y):
    a, b = torch.log_softmax(x, -1), torch.log_softmax(y, -1)
    p, q = a.exp(), b.exp()
    middle = (p + q).mul_(0.5).log_()
    js = 0.5 * ((p * (a - middle)).sum(-1) + (q * (b - middle)).sum(-1))
    return (p * (a - b)).sum(-1), (q * (b - a)).sum(-1), js, 0.5 * (p - q).abs().sum(-1)


def in_chunks(function, chunk, *tensors):
    return [function(*[t[i : i + chunk] for t in tensors]) for i in range(0, len(tensors[0]), chunk)]


def load(file, rows, vocabulary, labels, threads):
    torch.set_num_threads(threads)
    data = torch.from_numpy(np.fromfile(file, np.float32)).view(2, rows, vocabulary)
    return {"tokens": (token_statistics, data[0], torch.tensor(labels)), "divergences": (divergence_statistics, *data)}


def measure(work, chunk):
    function, *tensors = work
    begin = time.perf_counter()
    in_chunks(function, chunk, *tensors)
    return {"ms": (time.perf_counter() - begin) * 1e3, "torch": torch.__version__}


def reference(of):
    function, *tensors = works[of]
    double = lambda t: t.double() if t.is_floating_point() else t
    parts = in_chunks(lambda *t: function(*map(double, t)), 8, *tensors)
    return {"columns": [torch.cat(column).tolist() for column in zip(*parts)]}


works = {}
with torch.no_grad():
    for line in sys.stdin:
        [(verb, argument)] = json.loads(line).items()
        if verb == "load":
            works = load(**argument)
            answer = {}
        elif verb == "reference":
            answer = reference(**argument)
        else:
            answer = measure(works[verb], **argument)
        print(json.dumps(answer), flush=True)
