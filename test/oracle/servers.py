"""A tiny random Qwen2 for servers to serve, and the log-probs that `transformers` gives the texts of servers/texts.json.

    python3 test/oracle/servers.py MODEL test/golden/servers/expected.json [FILE.gguf]

MODEL becomes a folder that vLLM and SGLang serve as it is. The third argument writes the same float32 weights as GGUF for
llama.cpp, by its package `gguf`. The last row of the head is large: it makes tokens whose probability float32 cannot hold.
"""
import hashlib, json, pathlib, platform, shutil, sys
import numpy, safetensors.torch, torch, transformers
from tokenizers import Tokenizer
from transformers import Qwen2Config, Qwen2ForCausalLM

TOKENIZER = pathlib.Path(__file__).parent.parent / "golden/hugging-face/qwen2"
SIZES = dict(vocab_size=276, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=256, tie_word_embeddings=False, rms_norm_eps=1e-6,
             bos_token_id=None, eos_token_id=1, pad_token_id=None)
# without digits: AutoTokenizer puts Qwen2's own rule for them in the place of the one in tokenizer.json
TEXTS = [("solve: x * y", " = z<|im_end|>"), ("naïve façade", " 🎉é!"), ("(a + b) =", " solved")]
IDS = [dict(prompt=[7, 275], completion=[275, 3, 275, 99, 0, 274]), dict(prompt=[40] * 9, completion=[200, 201, 1, 1, 5])]


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    model = Qwen2ForCausalLM(Qwen2Config(**SIZES, attn_implementation="eager")).eval()
    draw = numpy.random.Generator(numpy.random.PCG64(7))
    for name, parameter in sorted(model.named_parameters()):
        scale = 0.2 if parameter.ndim == 1 else 0.3
        values = torch.from_numpy(draw.standard_normal(tuple(parameter.shape)).astype(numpy.float32) * scale)
        parameter.data = values + 1 if name.endswith("norm.weight") else values
    model.lm_head.weight.data[-1] *= 60
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(TOKENIZER / name, folder)
    return model


def sequences():
    tokenizer = Tokenizer.from_file(str(TOKENIZER / "tokenizer.json"))
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    return [dict(prompt=encode(p), completion=encode(c)) for p, c in TEXTS] + IDS


def score(model, row):
    tokens = torch.tensor([row["prompt"] + row["completion"]])
    with torch.no_grad():
        logs = model(tokens).logits[0, len(row["prompt"]) - 1:-1].log_softmax(-1)
    labels = tokens[0, len(row["prompt"]):, None]
    own = logs.gather(-1, labels)
    return [float(f"{x:.12g}") for x in own[:, 0].tolist()], (1 + (logs > own).sum(-1)).tolist()


def write_gguf(folder, file):
    import gguf
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    writer = gguf.GGUFWriter(file, "qwen2")
    writer.add_name("tiny")
    writer.add_context_length(SIZES["max_position_embeddings"])
    writer.add_embedding_length(SIZES["hidden_size"])
    writer.add_block_count(SIZES["num_hidden_layers"])
    writer.add_feed_forward_length(SIZES["intermediate_size"])
    writer.add_head_count(SIZES["num_attention_heads"])
    writer.add_head_count_kv(SIZES["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(SIZES["rms_norm_eps"])
    writer.add_rope_freq_base(10000.0)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    write_vocabulary(gguf, writer, tokenizer)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, SIZES["num_hidden_layers"])
    for name, tensor in weights.items():
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), tensor.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_vocabulary(gguf, writer, tokenizer):
    special = {token["id"] for token in tokenizer["added_tokens"]}
    ids = {id: token for token, id in tokenizer["model"]["vocab"].items()}
    tokens = [ids[i] for i in range(len(ids))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if i in special else gguf.TokenType.NORMAL for i in range(len(tokens))])
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_eos_token_id(SIZES["eos_token_id"])
    writer.add_add_bos_token(False)
    writer.add_chat_template((TOKENIZER / "chat_template.jinja").read_text())


folder, golden = map(pathlib.Path, sys.argv[1:3])
model = make(folder)
rows = sequences()
exact = [score(model.double(), row) for row in rows]
golden.write_text(json.dumps({
    "source": "test/oracle/servers.py", "command": "python3 test/oracle/servers.py MODEL test/golden/servers/expected.json",
    "versions": {"python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__,
                 "numpy": numpy.__version__},
    "model": {"sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(), **SIZES},
    "computed": "float64", "texts": [dict(prompt=p, completion=c) for p, c in TEXTS], "rows": rows,
    "logprobs": [logs for logs, _ in exact], "ranks": [ranks for _, ranks in exact]}, ensure_ascii=False) + "\n")
if len(sys.argv) > 3:
    write_gguf(folder, sys.argv[3])
