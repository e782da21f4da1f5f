"""A stand-in for DeepSeek weights: a real Llama of two layers with random weights, made here, the same every time.

It shows that serving works (loading, batching, streaming, keys), and nothing about a model's answers.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from hybridctl.lab.cache import Progress, cached

__all__ = ["build"]

HIDDEN, LAYERS, HEADS, KV_HEADS, INTERMEDIATE, VOCABULARY, CONTEXT = 128, 2, 4, 2, 256, 2048, 1024
_SPECIAL = ("<s>", "</s>", "<unk>")
_LICENCES = Path("/usr/share/common-licenses")
_CHAT = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


def build(cache: Path, progress: Progress, rebuild: bool = False) -> Path:
    """Return the model's folder: config, tokenizer, weights, and SHA256SUMS of them."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(_LICENCES.glob("*")) if not path.is_symlink()]

    def fill(folder: Path) -> None:
        progress("making the tiny model (a stand-in for DeepSeek weights)")
        _tokenizer(folder, texts)
        _weights(folder)
        for name, data in _configs().items():
            (folder / name).write_text(json.dumps(data, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
        (folder / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))

    inputs = {"texts": hashlib.sha256("".join(texts).encode()).hexdigest(), "configs": _configs(), "form": 1}
    return cached("model-tiny", inputs, fill, cache, rebuild)


def _configs() -> dict[str, dict[str, Any]]:
    return {
        "config.json": {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "bos_token_id": 0,
            "eos_token_id": 1,
            "head_dim": HIDDEN // HEADS,
            "hidden_act": "silu",
            "hidden_size": HIDDEN,
            "initializer_range": 0.02,
            "intermediate_size": INTERMEDIATE,
            "max_position_embeddings": CONTEXT,
            "num_attention_heads": HEADS,
            "num_hidden_layers": LAYERS,
            "num_key_value_heads": KV_HEADS,
            "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0,
            "tie_word_embeddings": False,
            "torch_dtype": "float32",
            "vocab_size": VOCABULARY,
            "_comment": "hybridctl stand-in with random weights, not a DeepSeek model",
        },
        "generation_config.json": {"bos_token_id": 0, "eos_token_id": 1},
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "model_max_length": CONTEXT,
            "chat_template": _CHAT,
        },
    }


def _tokenizer(folder: Path, texts: list[str]) -> None:
    """Train a byte-level BPE on the licence texts every Debian carries."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))


def _weights(folder: Path) -> None:
    """Draw the weights from a fixed seed."""
    import numpy
    from safetensors.numpy import save_file

    random = numpy.random.default_rng(20261124)
    head = HIDDEN // HEADS

    def drawn(*shape: int) -> "numpy.ndarray[Any, Any]":
        return (random.standard_normal(shape) * 0.05).astype(numpy.float32)

    ones = numpy.ones(HIDDEN, dtype=numpy.float32)
    tensors = {
        "model.embed_tokens.weight": drawn(VOCABULARY, HIDDEN),
        "model.norm.weight": ones,
        "lm_head.weight": drawn(VOCABULARY, HIDDEN),
    }
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        tensors |= {
            f"{prefix}self_attn.q_proj.weight": drawn(HEADS * head, HIDDEN),
            f"{prefix}self_attn.k_proj.weight": drawn(KV_HEADS * head, HIDDEN),
            f"{prefix}self_attn.v_proj.weight": drawn(KV_HEADS * head, HIDDEN),
            f"{prefix}self_attn.o_proj.weight": drawn(HIDDEN, HEADS * head),
            f"{prefix}mlp.gate_proj.weight": drawn(INTERMEDIATE, HIDDEN),
            f"{prefix}mlp.up_proj.weight": drawn(INTERMEDIATE, HIDDEN),
            f"{prefix}mlp.down_proj.weight": drawn(HIDDEN, INTERMEDIATE),
            f"{prefix}input_layernorm.weight": ones.copy(),
            f"{prefix}post_attention_layernorm.weight": ones.copy(),
        }
    # The weights of special tokens are nil, so that a greedy answer does not end at its first token.
    tensors["lm_head.weight"][: len(_SPECIAL)] = 0.0
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
