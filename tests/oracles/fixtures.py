# SPDX-License-Identifier: Apache-2.0
"""The small models of tests/quant/family.h: configurations, and numbers that are a function of
names and indices alone."""
import numpy as np

F = np.float32
IDS = [(i * 467 + i * i * 31 + 11) % 2048 for i in range(48)]
COMMON = {"hidden_act": "silu", "hidden_size": 64, "intermediate_size": 128,
          "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
          "vocab_size": 2048, "max_position_embeddings": 64, "eos_token_id": None}
# Every regime of llama3's scaling: wavelengths below 8, from 8 to 32, and above 32 positions.
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}
MODELS = {
    "llama3": {**COMMON, "model_type": "llama", "architectures": ["LlamaForCausalLM"],
               "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "rope_scaling": LLAMA3,
               "tie_word_embeddings": True},
    "linear": {**COMMON, "model_type": "llama", "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
               "rope_scaling": {"type": "linear", "factor": 3.0}, "tie_word_embeddings": True},
    "mistral": {**COMMON, "model_type": "mistral", "architectures": ["MistralForCausalLM"],
                "head_dim": 32, "rms_norm_eps": 1e-5, "rope_theta": 1000000.0,
                "sliding_window": 64, "tie_word_embeddings": False},
    "qwen2": {**COMMON, "model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"],
              "rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "sliding_window": 32,
              "max_window_layers": 2, "use_sliding_window": False, "tie_word_embeddings": True},
    "qwen3": {**COMMON, "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"],
              "attention_bias": False, "head_dim": 32, "rms_norm_eps": 1e-6,
              "rope_theta": 1000000, "sliding_window": None, "max_window_layers": 2,
              "use_sliding_window": False, "tie_word_embeddings": False},
}
LINEARS = {"q_proj": "self_attn", "k_proj": "self_attn", "v_proj": "self_attn",
           "o_proj": "self_attn", "gate_proj": "mlp", "up_proj": "mlp", "down_proj": "mlp"}
ADAPTED, RANK, ALPHA = ("q_proj", "v_proj", "down_proj"), 4, 8


def head_size(config):
    return config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]


def linear_shape(config, name):
    width, ff = config["hidden_size"], config["intermediate_size"]
    queries = config["num_attention_heads"] * head_size(config)
    keys = config["num_key_value_heads"] * head_size(config)
    return {"q_proj": (queries, width), "k_proj": (keys, width), "v_proj": (keys, width),
            "o_proj": (width, queries), "gate_proj": (ff, width), "up_proj": (ff, width),
            "down_proj": (width, ff)}[name]


def values(name, *shape):
    """A tensor by its name: FNV-1a, then SplitMix64 of the index, uniform in steps of 2^-23."""
    seed = 14695981039346656037
    for byte in name.encode():
        seed = ((seed ^ byte) * 1099511628211) % 2**64
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(
            0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    value = ((z >> np.uint64(40)).astype(np.int64) - 2**23).astype(F) * F(2.0**-23)
    if "norm" in name:
        return (F(1) + value * F(0.25)).reshape(shape)
    return (value * F(0.5 if ".bias" in name else 0.25)).reshape(shape)


def tensors(config):
    """All tensors of a model by their Hugging Face names."""
    width, vocab = config["hidden_size"], config["vocab_size"]
    shapes = {"model.embed_tokens.weight": (vocab, width), "model.norm.weight": (width,)}
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (vocab, width)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        shapes[at + "input_layernorm.weight"] = (width,)
        shapes[at + "post_attention_layernorm.weight"] = (width,)
        for name, part in LINEARS.items():
            shape = linear_shape(config, name)
            shapes[f"{at}{part}.{name}.weight"] = shape
            if config["model_type"] == "qwen2" and name in ("q_proj", "k_proj", "v_proj"):
                shapes[f"{at}{part}.{name}.bias"] = shape[:1]
        if config["model_type"] == "qwen3":
            shapes[at + "self_attn.q_norm.weight"] = (head_size(config),)
            shapes[at + "self_attn.k_norm.weight"] = (head_size(config),)
    return {name: values(name, *shape) for name, shape in shapes.items()}


def adapter_pair(config, layer, name):
    """A and B of one adapted linear."""
    n, k = linear_shape(config, name)
    at = f"base_model.model.model.layers.{layer}.{LINEARS[name]}.{name}."
    return values(at + "lora_A.weight", RANK, k), values(at + "lora_B.weight", n, RANK)
