# SPDX-License-Identifier: Apache-2.0
"""Linears as bitsandbytes quantises and saves them, and what it makes of the saved file (F-14).

    bitsandbytes_nf4.py record OUT.json   quantises, saves, loads, dequantises
    bitsandbytes_nf4.py check FILE.json   loads and dequantises what was recorded

A checkpoint is recorded whole (its quantiser's mean depends on the machine), its dequantised f32 by
SHA-256. The q4 operand (N-5 with the codes kept) is computed here in numpy from bitsandbytes' own
resolved absmax."""
import hashlib
import json
import sys

import bitsandbytes
import numpy as np
import torch
from bitsandbytes.functional import QuantState, dequantize_4bit, dequantize_blockwise
from safetensors.torch import load, save

assert bitsandbytes.__version__ == "0.48.2"
NAME = "linear.weight"
ROWS, COLUMNS = 40, 448  # 280 blocks: a second nested block, and not a whole one
F = np.float32


def weights(seed, zeros):
    """Rows of different widths, with outliers; zeros: a row, a block, and a block close to zero."""
    random = np.random.Generator(np.random.PCG64(seed))
    w = random.standard_normal((ROWS, COLUMNS)) * np.exp(random.uniform(-6, -1, (ROWS, 1)))
    w[random.integers(0, ROWS, 30), random.integers(0, COLUMNS, 30)] *= 20
    if zeros:
        w[3] = 0
        w[5, 64:128] = 0
        w[7, 128:192] *= 2.0 ** -40
    return torch.from_numpy(w.astype(F))


def quantised(w, nested, storage):
    linear = bitsandbytes.nn.Linear4bit(COLUMNS, ROWS, bias=False, compress_statistics=nested,
                                        quant_type="nf4", quant_storage=storage)
    linear.weight = bitsandbytes.nn.Params4bit(w, requires_grad=False, quant_type="nf4",
                                               compress_statistics=nested, quant_storage=storage,
                                               module=linear)
    linear.to("cpu")
    return save({"linear." + name: t for name, t in linear.state_dict().items()})


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def operand(codes, absmax):
    """N-5 where codes and block maxima are given."""
    a = absmax.reshape(ROWS, COLUMNS // 64)
    top = a.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        ratio = np.rint((a * F(255)) / top)
    ratio = np.where(a == 0, F(0), np.where(ratio == 0, F(1), ratio)).astype(np.uint8)
    codes = np.where(np.repeat(ratio, 64, axis=1) == 0, 7, codes).astype(np.uint8)
    packed = codes[:, ::2] | codes[:, 1::2] << 4
    return digest(packed), digest(ratio), digest(top[:, 0] / F(127))


def answers(checkpoint):
    tensors = load(checkpoint)
    weight = tensors.pop(NAME)
    parts = {name.removeprefix(NAME + "."): t for name, t in tensors.items()}
    state = QuantState.from_dict(dict(parts), device=torch.device("cpu"))
    state.dtype = torch.float32  # dequantise to f32, whatever the checkpoint was trained in
    numbers = dequantize_4bit(weight, state).numpy()
    absmax = state.absmax
    if state.nested:
        absmax = dequantize_blockwise(state.absmax, state.state2) + state.offset
    raw = weight.view(torch.uint8).numpy().reshape(ROWS, COLUMNS // 2)
    codes = np.stack([raw >> 4, raw & 15], axis=2).reshape(ROWS, COLUMNS)
    levels = state.code.numpy()
    assert numbers.dtype == F and numbers.shape == (ROWS, COLUMNS)
    product = levels[codes] * np.repeat(absmax.numpy().reshape(ROWS, -1), 64, axis=1)
    assert product.tobytes() == numbers.tobytes()
    packed, ratios, scales = operand(codes, absmax.numpy())
    return {"dequantised_sha256": digest(numbers), "codes_sha256": packed,
            "ratios_sha256": ratios, "scales_sha256": scales}


def record(path):
    variants = {"plain": (1, False, torch.uint8), "nested": (2, True, torch.uint8),
                "stored_as_bf16": (3, True, torch.bfloat16)}
    out = {"made_by": "tests/oracles/bitsandbytes_nf4.py with bitsandbytes 0.48.2",
           "shape": [ROWS, COLUMNS], "checkpoints": {}}
    for name, (seed, nested, storage) in variants.items():
        checkpoint = quantised(weights(seed, not nested), nested, storage)
        out["checkpoints"][name] = {"file": checkpoint.hex(), **answers(checkpoint)}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1)
        file.write("\n")
    return 0


def check(path):
    with open(path, encoding="utf-8") as file:
        recorded = json.load(file)["checkpoints"]
    bad = 0
    for name, case in recorded.items():
        checkpoint = bytes.fromhex(case.pop("file"))
        same = answers(checkpoint) == case
        print(name, "same" if same else "different")
        bad += not same
    return bad or not recorded


if __name__ == "__main__":
    sys.exit(record(sys.argv[2]) if sys.argv[1] == "record" else check(sys.argv[2]))
