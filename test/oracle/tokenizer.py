"""A small byte-level BPE tokenizer with a chat template, and what `transformers` makes of texts with it.

    python3 test/oracle/tokenizer.py test/golden/hugging-face/qwen2
"""
import json, pathlib, platform, sys
import tokenizers, transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEMPLATE = ("{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
TEXTS = ["2 + 2 = 4", "solve: 12 * 3", "  two  spaces\tand a tab\n", "naïve façade 🎉", "<|im_end|>", "", "\\boxed{4}"]
CHAT = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "2 + 2?"}]

folder = pathlib.Path(sys.argv[1])
core = Tokenizer(models.BPE())
core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
core.decoder = decoders.ByteLevel()
core.train_from_iterator(["2 + 2 = 4 solve: 12 * 3 and so on"] * 5, trainers.BpeTrainer(
    vocab_size=280, special_tokens=["<|im_start|>", "<|im_end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    show_progress=False))
fast = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|im_end|>", chat_template=TEMPLATE)
fast.save_pretrained(folder)
prompt = fast.apply_chat_template(CHAT, tokenize=False, add_generation_prompt=True)
(folder / "tokenizer-golden.json").write_text(json.dumps({
    "source": "test/oracle/tokenizer.py", "command": "python3 test/oracle/tokenizer.py test/golden/hugging-face/qwen2",
    "versions": {"python": platform.python_version(), "tokenizers": tokenizers.__version__,
                 "transformers": transformers.__version__},
    "tolerance": "equal", "vocabularySize": len(fast), "texts": TEXTS,
    "ids": [fast.encode(text, add_special_tokens=False) for text in TEXTS],
    "decoded": [fast.decode(fast.encode(text, add_special_tokens=False), clean_up_tokenization_spaces=False)
                for text in TEXTS],
    "chat": CHAT, "prompt": prompt}, ensure_ascii=False) + "\n")
