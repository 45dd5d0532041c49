# SPDX-License-Identifier: Apache-2.0
"""A GGUF file, as gguf's own Python package writes it, and a Hugging Face folder that hold the same
numbers become the same canonical file (F-22 to F-25): the demo model in every type, a model of
every family, and an adapter.

    gguf_model.py check PROGRAM
"""
import importlib.metadata
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

import numpy
import torch
from gguf import GGUFWriter, MODEL_ARCH, RopeScalingType, get_tensor_name_map
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize, quantize
from safetensors.torch import load_file, save_file

import fixtures

assert importlib.metadata.version("gguf") == "0.17.1"
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MODEL = os.path.join(ROOT, "testnet", "model")
ADAPTER = os.path.join(ROOT, "testnet", "adapters", "doyle")
ARCHITECTURES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
# Where a block holds its f16 scales, for the types that the package reads but does not make.
SCALES = {"Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0]}


def permute(rows, heads):
    """As llama.cpp's converter orders the rows of queries and keys."""
    return (rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
            .swapaxes(1, 2).reshape(rows.shape))


def unpermute(rows, heads):
    return (rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:])
            .swapaxes(1, 2).reshape(rows.shape))


def heads_of(name, config):
    """Heads whose rows the converter permutes, 0 for none."""
    if config["model_type"] not in ("llama", "mistral"):
        return 0
    if ".q_proj." in name:
        return config["num_attention_heads"]
    return config["num_key_value_heads"] if ".k_proj." in name else 0


def pack(numbers, kind, generator):
    """Blocks of a type: of these numbers where the package can, else any with small scales."""
    elements, size = GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
    if kind not in SCALES:
        return quantize(numbers, GGMLQuantizationType[kind])
    rows, columns = numbers.shape
    blocks = generator.integers(0, 256, (rows * columns // elements, size), dtype=numpy.uint8)
    for at in SCALES[kind]:
        halves = (generator.standard_normal(len(blocks)) * 1e-4).astype(numpy.float16)
        blocks[:, at:at + 2] = halves.view(numpy.uint8).reshape(-1, 2)
    return blocks.reshape(rows, -1)


def kind_of(array, kind):
    """Vectors stay F32, and rows that are no whole blocks become Q8_0, as llama.cpp has them."""
    if array.ndim == 1:
        return "F32"
    return kind if array.shape[1] % GGML_QUANT_SIZES[GGMLQuantizationType[kind]][0] == 0 else "Q8_0"


def rope_factors(config):
    """The divisors of llama3's scaling, in the converter's own order and precision."""
    scaling, dim = config["rope_scaling"], fixtures.head_size(config)
    freqs = 1.0 / (config["rope_theta"] ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim))
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    context, factors = scaling["original_max_position_embeddings"], []
    for freq in freqs:
        wavelength = 2 * math.pi / freq
        if wavelength < context / high:
            factors.append(1)
        elif wavelength > context / low:
            factors.append(scaling["factor"])
        else:
            smooth = (context / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
    return torch.tensor(factors, dtype=torch.float32).numpy()


def scaling_write(writer, config):
    scaling = config.get("rope_scaling") or {}
    if scaling.get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", rope_factors(config))
    elif scaling:
        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(scaling["factor"])


def metadata_write(writer, config):
    head_size = fixtures.head_size(config)
    writer.add_type("model")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(head_size)
    writer.add_key_length(head_size)
    writer.add_value_length(head_size)
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"t{i}" for i in range(config["vocab_size"])])
    writer.add_token_merges(["a b", "c d"])
    if config["eos_token_id"] is not None:
        writer.add_eos_token_id(config["eos_token_id"])
    writer.add_add_bos_token(False)


def model_write(path, folder, config, weights, kind, generator):
    """Writes both forms."""
    arch = ARCHITECTURES[config["model_type"]]
    names = get_tensor_name_map(MODEL_ARCH[arch.upper()], config["num_hidden_layers"])
    writer = GGUFWriter(path, arch)
    metadata_write(writer, config)
    scaling_write(writer, config)
    same = {}
    for name, array in weights.items():
        heads = heads_of(name, config)
        rows = permute(array, heads) if heads else array
        used = kind_of(rows, kind)
        blocks = pack(rows, used, generator)
        numbers = dequantize(blocks, GGMLQuantizationType[used])
        if heads:
            numbers = unpermute(numbers, heads)
        same[name] = torch.from_numpy(numpy.ascontiguousarray(numbers))
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), blocks,
                          raw_dtype=GGMLQuantizationType[used])
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file,
                  writer.write_tensors_to_file, writer.close):
        write()
    os.makedirs(folder)
    save_file(same, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as out:
        json.dump(config, out)
    shutil.copy(os.path.join(MODEL, "tokenizer.json"), folder)


def adapter_write(path, folder, config, kind):
    arch = ARCHITECTURES[config["model_type"]]
    names = get_tensor_name_map(MODEL_ARCH[arch.upper()], config["num_hidden_layers"])
    writer = GGUFWriter(path, arch)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 16)
    same = {}
    for name, tensor in load_file(os.path.join(ADAPTER, "adapter_model.safetensors")).items():
        half = "lora_a" if ".lora_A." in name else "lora_b"
        base = name.removeprefix("base_model.model.").replace(".lora_A", "").replace(".lora_B", "")
        heads = heads_of(base, config) if half == "lora_b" else 0
        array = tensor.numpy()
        rows = permute(array, heads) if heads else array
        # lora_B has rows of the rank, 8: no block fits.
        used = kind if array.shape[1] % 32 == 0 else "F16"
        blocks = pack(rows, used, None)
        numbers = dequantize(blocks, GGMLQuantizationType[used])
        if heads:
            numbers = unpermute(numbers, heads)
        same[name] = torch.from_numpy(numpy.ascontiguousarray(numbers))
        writer.add_tensor(names.get_name(base, try_suffixes=(".weight",)) + "." + half, blocks,
                          raw_dtype=GGMLQuantizationType[used])
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file,
                  writer.write_tensors_to_file, writer.close):
        write()
    os.makedirs(folder)
    save_file(same, os.path.join(folder, "adapter_model.safetensors"), metadata={"format": "pt"})
    shutil.copy(os.path.join(ADAPTER, "adapter_config.json"), folder)


def demo():
    with open(os.path.join(MODEL, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    tensors = load_file(os.path.join(MODEL, "model.safetensors"))
    return config, {name: tensor.float().numpy() for name, tensor in tensors.items()}


def families():
    """Small models; llama3's scaling as Llama 3.1 and 3.2 have it, which files can say."""
    models = {name: config for name, config in fixtures.MODELS.items() if name != "llama3"}
    for factor, head_size in ((8.0, 128), (32.0, 64)):
        models[f"llama3 by {factor:g}"] = {
            **fixtures.MODELS["llama3"], "rope_theta": 500000.0, "head_dim": head_size,
            "rope_scaling": {**fixtures.LLAMA3, "factor": factor,
                             "original_max_position_embeddings": 8192}}
    return models


def imported(program, words, source, out, options):
    subprocess.run([program, words, "import", source, "--out", out, *options], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(out, "rb") as file:
        return file.read()


def model_check(program, name, config, weights, kind, top):
    path, folder = os.path.join(top, "model.gguf"), os.path.join(top, "model")
    model_write(path, folder, config, weights, kind, numpy.random.default_rng(22))
    tokenizer = ["--tokenizer", os.path.join(MODEL, "tokenizer.json")]
    same = imported(program, "model", folder, os.path.join(top, "hf"), []) == \
        imported(program, "model", path, os.path.join(top, "out"), tokenizer)
    print("model", name, kind, "same" if same else "different", flush=True)
    shutil.rmtree(folder)
    return not same


def adapter_check(program, config, kind, top):
    path, folder = os.path.join(top, "adapter.gguf"), os.path.join(top, "adapter")
    adapter_write(path, folder, config, kind)
    base = ["--model", os.path.join(top, "out")]
    same = imported(program, "adapter", folder, os.path.join(top, "hf_adapter"), base) == \
        imported(program, "adapter", path, os.path.join(top, "gguf_adapter"), base)
    print("adapter", kind, "same" if same else "different", flush=True)
    shutil.rmtree(folder)
    return not same


def check(program):
    bad = 0
    config, weights = demo()
    with tempfile.TemporaryDirectory() as top, tempfile.TemporaryDirectory() as other:
        for kind in ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K",
                     "Q6_K", "IQ4_NL"]:
            bad += model_check(program, "demo", config, weights, kind, top)
        for name, family in families().items():
            bad += model_check(program, name, family, fixtures.tensors(family), "Q8_0", other)
        for kind in ["F32", "F16", "BF16", "Q8_0"]:
            bad += adapter_check(program, config, kind, top)
    return bad


if __name__ == "__main__":
    assert sys.argv[1] == "check"
    sys.exit(check(sys.argv[2]))
