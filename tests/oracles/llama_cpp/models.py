#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random-weight GGUF models for llama.cpp, of the shapes of `assay bench infer --shape`.

usage: LLAMA_CPP=BUILD/bin tests/oracles/python tests/oracles/llama_cpp/models.py SHAPE FOLDER

Writes FOLDER/f16.gguf (removed in the end), what llama-quantize makes of it as q4_0.gguf (its head
and embedding in Q6_K) and q4_0_pure.gguf (everything in Q4_0), and lora.gguf, a rank-16 adapter of
all linears. Memory: one tensor."""
import os
import subprocess
import sys

import gguf
import numpy

# layers, width, heads, key-value heads, head size, feed-forward width, vocabulary, tied, theta
SHAPES = {
    "demo": (6, 256, 8, 4, 32, 704, 2048, True, 10000.0),
    "llama-3.2-1b": (16, 2048, 32, 8, 64, 8192, 128256, True, 500000.0),
    "llama-3.2-3b": (28, 3072, 24, 8, 128, 8192, 128256, True, 500000.0),
    "llama-3-8b": (32, 4096, 32, 8, 128, 14336, 128256, False, 500000.0),
}
CONTEXT, RANK, ALPHA = 2048, 16, 32
ROWS = 4096  # drawn at once


def linears(shape):
    """A layer's linears by GGUF name: rows and columns."""
    _, width, heads, kv, size, ff, _, _, _ = shape
    return {
        "attn_q": (heads * size, width),
        "attn_k": (kv * size, width),
        "attn_v": (kv * size, width),
        "attn_output": (width, heads * size),
        "ffn_gate": (ff, width),
        "ffn_up": (ff, width),
        "ffn_down": (width, ff),
    }


def model_tensors(shape):
    layers, width, _, _, _, _, vocab, tied, _ = shape
    yield "token_embd.weight", (vocab, width)
    if not tied:
        yield "output.weight", (vocab, width)
    yield "output_norm.weight", (width,)
    for layer in range(layers):
        yield f"blk.{layer}.attn_norm.weight", (width,)
        yield f"blk.{layer}.ffn_norm.weight", (width,)
        for name, size in linears(shape).items():
            yield f"blk.{layer}.{name}.weight", size


def lora_tensors(shape):
    for layer in range(shape[0]):
        for name, (rows, columns) in linears(shape).items():
            yield f"blk.{layer}.{name}.weight.lora_a", (RANK, columns)
            yield f"blk.{layer}.{name}.weight.lora_b", (rows, RANK)


def draw(random, size):
    """Norms of one, weights of width 1 / sqrt(columns)."""
    if len(size) == 1:
        return numpy.ones(size, numpy.float32)
    out = numpy.empty(size, numpy.float16)
    for first in range(0, size[0], ROWS):
        part = out[first:first + ROWS]
        part[:] = random.standard_normal(part.shape, numpy.float32) * size[1] ** -0.5
    return out


def write(writer, tensors):
    random = numpy.random.default_rng(1)
    for name, size in tensors:
        kind = numpy.float32 if len(size) == 1 else numpy.float16
        writer.add_tensor_info(name, size, numpy.dtype(kind),
                               int(numpy.prod(size)) * numpy.dtype(kind).itemsize)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for _, size in tensors:
        writer.write_tensor_data(draw(random, size))
    writer.close()


def model_write(path, shape):
    layers, width, heads, kv, size, ff, vocab, _, theta = shape
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(ff)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(size)
    writer.add_rope_freq_base(theta)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(vocab)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("no_vocab")
    write(writer, list(model_tensors(shape)))


def lora_write(path, shape):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, ALPHA)
    write(writer, list(lora_tensors(shape)))


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in SHAPES or "LLAMA_CPP" not in os.environ:
        sys.exit(__doc__)
    shape, folder = SHAPES[sys.argv[1]], sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    full = os.path.join(folder, "f16.gguf")
    model_write(full, shape)
    lora_write(os.path.join(folder, "lora.gguf"), shape)
    quantize = os.path.join(os.environ["LLAMA_CPP"], "llama-quantize")
    for name, options in (("q4_0", []), ("q4_0_pure", ["--pure"])):
        subprocess.run([quantize, *options, full, os.path.join(folder, f"{name}.gguf"), "Q4_0"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.unlink(full)


main()
