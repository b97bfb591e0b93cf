"""Tiny random checkpoints of three families with what `transformers` computes from them, in float64.

    python3 test/oracle/hugging_face.py test/golden/hugging-face
"""
import json, pathlib, platform, sys
import peft, torch, transformers
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

SIZES = dict(vocab_size=24, hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-6, initializer_range=0.3,
             eos_token_id=2, attn_implementation="eager")
LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=16)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=16)
PLAIN = dict(rope_type="default", rope_theta=1000000.0)
CASES = {
    "llama": (LlamaForCausalLM, LlamaConfig(**SIZES, tie_word_embeddings=False, rope_parameters=LLAMA3), torch.float32),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**SIZES, tie_word_embeddings=True, rope_parameters=YARN), torch.float16),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SIZES, head_dim=6, tie_word_embeddings=True, rope_parameters=PLAIN),
              torch.bfloat16),
}
ROWS = [{"prompt": [1, 5, 9, 3], "completion": [7, 7, 11, 20, 2]}, {"prompt": [1], "completion": [4] * 30 + [2]}]
SETTINGS = dict(learningRate=1e-2, betas=[0.9, 0.95], epsilon=1e-8, weightDecay=0.1, clipNorm=1.0)


def score(model, row):
    tokens = torch.tensor([row["prompt"] + row["completion"]])
    logits = model(tokens).logits[0, len(row["prompt"]) - 1:-1]
    return logits, logits.log_softmax(-1).gather(-1, tokens[0, len(row["prompt"]):, None])[:, 0]


def make(name, folder):
    torch.manual_seed(len(name))
    kind, config, dtype = CASES[name]
    model = kind(config)
    with torch.no_grad():
        for parameter in model.parameters():  # random biases and norms test their places too
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    model = model.to(dtype)
    model.save_pretrained(folder, max_shard_size="8KB" if name == "qwen3" else "1GB")
    # read again, since a cast to 16 bits rounds the rotary frequencies as well
    model = kind.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    rows = [score(model, row) for row in ROWS]
    logits, logprobs = torch.cat([a for a, _ in rows]), torch.cat([b for _, b in rows])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    (-logprobs.mean()).backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item()
    optimizer.step()
    with torch.no_grad():
        after = torch.cat([score(model, row)[1] for row in ROWS])
    rounded = lambda x: [float(f"{v:.9g}") for v in x.flatten().tolist()]
    (folder / "golden.json").write_text(json.dumps({
        "source": "test/oracle/hugging_face.py", "command": "python3 test/oracle/hugging_face.py test/golden/hugging-face",
        "versions": {"python": platform.python_version(), "torch": torch.__version__,
                     "transformers": transformers.__version__},
        "tolerance": "computed in float64; ours is float32: 1e-5 of the largest entry; after one AdamW step 1e-4, since "
                     "its first step divides each gradient by its own size",
        "rows": ROWS, "settings": SETTINGS, "logits": rounded(logits), "logprobs": rounded(logprobs),
        "gradNorm": norm, "after": rounded(after)}) + "\n")
    (folder / "generation_config.json").unlink(missing_ok=True)


MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def make_adapter(name, folder):
    """Random adapters on a case's model, and one training step of them alone."""
    torch.manual_seed(7)
    base = CASES[name][0].from_pretrained(folder, dtype=torch.float64, attn_implementation="eager")
    config = peft.LoraConfig(r=3, lora_alpha=6, target_modules=MODULES, bias="none", task_type="CAUSAL_LM")
    model = peft.get_peft_model(base, config).double()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_B" in key:
                parameter.copy_((torch.randn_like(parameter) * 0.1).float())
            elif "lora_A" in key:
                parameter.copy_(parameter.float())
    target = folder / "adapter"
    model.save_pretrained(target)
    (target / "README.md").unlink(missing_ok=True)
    rows = [score(model, row) for row in ROWS]
    logits, logprobs = torch.cat([a for a, _ in rows]), torch.cat([b for _, b in rows])
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-2, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    (-logprobs.mean()).backward()
    norm = torch.nn.utils.clip_grad_norm_(trained, 1.0).item()
    optimizer.step()
    with torch.no_grad():
        after = torch.cat([score(model, row)[1] for row in ROWS])
    rounded = lambda x: [float(f"{v:.9g}") for v in x.flatten().tolist()]
    (target / "golden.json").write_text(json.dumps({
        "source": "test/oracle/hugging_face.py", "command": "python3 test/oracle/hugging_face.py test/golden/hugging-face",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__},
        "tolerance": "as in ../golden.json", "rows": ROWS, "settings": SETTINGS, "logits": rounded(logits),
        "logprobs": rounded(logprobs), "gradNorm": norm, "after": rounded(after)}) + "\n")


for case in CASES:
    target = pathlib.Path(sys.argv[1]) / case
    target.mkdir(parents=True, exist_ok=True)
    make(case, target)
    if case == "qwen2":
        make_adapter(case, target)
