# SPDX-License-Identifier: Apache-2.0
"""Blocks of every GGUF type that is read, and the f32 numbers that gguf's own Python package makes
of them (F-21): tests/vectors/gguf_blocks.json.

    gguf_blocks.py record|check tests/vectors/gguf_blocks.json
"""
import importlib.metadata

import numpy
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

import common

assert importlib.metadata.version("gguf") == "0.17.1"
# Zeros, the ends of the subnormals, the least normal, one, the greatest; of both signs.
EXTREMES = [sign | bits for bits in (0, 1, 0x03ff, 0x0400, 0x3c00, 0x7bff) for sign in (0, 0x8000)]
# Where a block holds its f16 scales.
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2],
          "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0]}
RANDOM_BLOCKS = 6


def half(generator):
    """Any finite f16."""
    while True:
        bits = int(generator.integers(0, 1 << 16))
        if bits & 0x7c00 != 0x7c00:
            return bits


def scaled_blocks(generator, name, size):
    scales = [[bits] * len(SCALES[name]) for bits in EXTREMES]
    scales += [[half(generator) for _ in SCALES[name]] for _ in range(RANDOM_BLOCKS)]
    blocks = generator.integers(0, 256, (len(scales), size), dtype=numpy.uint8)
    blocks[0] = 0
    blocks[1] = 255
    for block, halves in zip(blocks, scales):
        for at, bits in zip(SCALES[name], halves):
            block[at:at + 2] = [bits & 255, bits >> 8]
    return blocks


def plain_numbers(generator, size):
    """Any bits of finite numbers."""
    words = generator.integers(0, 256, (256, size), dtype=numpy.uint8)
    if size == 2:
        return words
    words[:, 3] = numpy.where(words[:, 3] & 0x7f == 0x7f, 0x3f, words[:, 3])
    return words


def make():
    generator = numpy.random.default_rng(21)
    types = {}
    for name in ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K", "IQ4_NL",
                 "Q4_1", "Q5_0", "Q5_1", "Q5_K"]:
        kind = GGMLQuantizationType[name]
        elements, size = GGML_QUANT_SIZES[kind]
        if name in SCALES:
            blocks = scaled_blocks(generator, name, size)
        else:
            blocks = plain_numbers(generator, size)
        if name in ("F16", "BF16"):
            numbers = dequantize(blocks.reshape(-1), kind)
            blocks = blocks[numpy.isfinite(numbers)]
        with numpy.errstate(all="ignore"):
            numbers = dequantize(blocks.reshape(-1), kind)
        assert numbers.dtype == numpy.float32 and numbers.size == len(blocks) * elements
        assert numpy.isfinite(numbers).all()
        types[name] = {"number": int(kind), "elements": elements, "bytes": size,
                       "blocks": blocks.tobytes().hex(), "f32": numbers.tobytes().hex()}
    return {"about": "by tests/oracles/gguf_blocks.py, gguf 0.17.1", "types": types}


if __name__ == "__main__":
    common.main(lambda: common.spread(make()))
