"""A tiny random Qwen2 in the folder layout of transformers.js, with what `transformers` computes from it in float32.

    python3 test/oracle/transformers_js.py test/golden/transformers-js

The graph has the names and dynamic axes by which transformers.js feeds a decoder: input_ids, attention_mask,
position_ids, past_key_values.N.key|value in; logits, present.N.key|value out.
"""
import json, pathlib, platform, shutil, sys
import numpy, onnx, onnxruntime, torch, transformers
from transformers import DynamicCache, Qwen2Config, Qwen2ForCausalLM

TOKENIZER = pathlib.Path(__file__).parent.parent / "golden/hugging-face/qwen2"
ROWS = [{"prompt": [72, 101, 108, 108, 111], "completion": [44, 32, 119, 111, 114, 108, 100, 2]},
        {"prompt": [1], "completion": [50, 43, 50]}, {"prompt": [9] * 12, "completion": [200, 9, 9, 9, 120]}]
GREEDY = dict(prompt=[72, 101, 108], maxTokens=12)


class WithPast(torch.nn.Module):
    """The model with its cache as plain tensors."""

    def __init__(self, model):
        super().__init__()
        self.model, self.layers = model, model.config.num_hidden_layers

    def forward(self, input_ids, attention_mask, position_ids, past):
        cache = DynamicCache([(past[2 * i], past[2 * i + 1]) for i in range(self.layers)])
        out = self.model(input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids,
                         past_key_values=cache, use_cache=True)
        return (out.logits, *(x for layer in out.past_key_values.layers for x in (layer.keys, layer.values)))


def name_axes(file):
    """transformers.js reads the sizes of the empty first cache from the names of the axes."""
    model = onnx.load(file)
    for value in [*model.graph.input, *model.graph.output]:
        cached = value.name.startswith(("past_key_values", "present"))
        past = value.name.startswith("past_key_values")
        second = "past_sequence_length" if past else "total_sequence_length" if cached or value.name == "attention_mask" else "sequence_length"
        shape = value.type.tensor_type.shape.dim
        shape[0].dim_param, shape[2 if cached else 1].dim_param = "batch_size", second
    del model.graph.value_info[:]
    for node in model.graph.node:  # where each node stood in Python, with the paths of this machine
        del node.metadata_props[:]
        node.doc_string = ""
    del model.metadata_props[:]
    onnx.save(model, file)


def export(model, folder):
    config = model.config
    heads, width = config.num_key_value_heads, config.hidden_size // config.num_attention_heads
    batch, new, old = 2, 3, 4
    past = [torch.randn(batch, heads, old, width) for _ in range(2 * config.num_hidden_layers)]
    inputs = (torch.randint(3, 20, (batch, new)), torch.ones(batch, new + old, dtype=torch.long),
              torch.arange(old, old + new)[None].expand(batch, -1).contiguous(), past)
    parts = [f"{i}.{part}" for i in range(config.num_hidden_layers) for part in ("key", "value")]
    auto = torch.export.Dim.AUTO
    program = torch.onnx.export(
        WithPast(model).eval(), inputs, None, dynamo=True, opset_version=18,
        input_names=["input_ids", "attention_mask", "position_ids", *(f"past_key_values.{p}" for p in parts)],
        output_names=["logits", *(f"present.{p}" for p in parts)],
        dynamic_shapes=({0: auto, 1: auto}, {0: auto, 1: auto}, {0: auto, 1: auto}, [{0: auto, 2: auto} for _ in past]))
    (folder / "onnx").mkdir(exist_ok=True)
    program.save(folder / "onnx/model.onnx", external_data=False)
    name_axes(folder / "onnx/model.onnx")


def score(model, row):
    tokens = torch.tensor([row["prompt"] + row["completion"]])
    with torch.no_grad():
        logs = model(tokens).logits[0, len(row["prompt"]) - 1:-1].log_softmax(-1)
    labels = tokens[0, len(row["prompt"]):, None]
    chosen = logs.gather(-1, labels)
    return chosen[:, 0].tolist(), (-(logs.exp() * logs).sum(-1)).tolist(), (1 + (logs > chosen).sum(-1)).tolist()


def make(folder):
    torch.manual_seed(11)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = json.loads((TOKENIZER / "tokenizer-golden.json").read_text())["vocabularySize"]
    model = Qwen2ForCausalLM(Qwen2Config(
        vocab_size=vocabulary, hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, initializer_range=0.3, tie_word_embeddings=True,
        bos_token_id=1, eos_token_id=2, attn_implementation="eager")).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    model.config.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TOKENIZER / name, folder)
    export(model, folder)
    scores = [score(model, row) for row in ROWS]
    greedy = model.generate(torch.tensor([GREEDY["prompt"]]), do_sample=False, max_new_tokens=GREEDY["maxTokens"])
    rounded = lambda lists: [[float(f"{x:.9g}") for x in values] for values in lists]
    (folder / "golden.json").write_text(json.dumps({
        "source": "test/oracle/transformers_js.py",
        "command": "python3 test/oracle/transformers_js.py test/golden/transformers-js",
        "versions": {"python": platform.python_version(), "torch": torch.__version__,
                     "transformers": transformers.__version__, "onnx": onnx.__version__},
        "tolerance": "1e-5 nats; both sides compute in float32", "vocabularySize": vocabulary, "rows": ROWS,
        "logprobs": rounded(s[0] for s in scores), "entropies": rounded(s[1] for s in scores),
        "ranks": [s[2] for s in scores],
        "greedy": {**GREEDY, "completion": greedy[0, len(GREEDY["prompt"]):].tolist()}}) + "\n")


make(pathlib.Path(sys.argv[1]))
