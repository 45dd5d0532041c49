# SPDX-License-Identifier: Apache-2.0
"""Linears as bitsandbytes quantises and saves them, and what it makes of the saved file (F-14).

    bitsandbytes_nf4.py record OUT.json   quantises, saves, loads, dequantises
    bitsandbytes_nf4.py check FILE.json   loads and dequantises what was recorded
    bitsandbytes_nf4.py fresh PROGRAM     imports whole folders, the demo model's linears quantised
                                          by bitsandbytes, saved in shards by transformers

A checkpoint is recorded whole (its quantiser's mean depends on the machine), its dequantised f32 by
SHA-256. The q4 operand (N-5 with the codes kept) is computed here in numpy from bitsandbytes' own
resolved absmax."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

import bitsandbytes
import numpy as np
import torch
from bitsandbytes.functional import QuantState, dequantize_4bit, dequantize_blockwise
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load, save
from transformers import BitsAndBytesConfig, LlamaForCausalLM

assert bitsandbytes.__version__ == "0.48.2"
NAME = "linear.weight"
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
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


def linear4bit(w, nested, storage):
    rows, columns = w.shape
    linear = bitsandbytes.nn.Linear4bit(columns, rows, bias=False, compress_statistics=nested,
                                        quant_type="nf4", quant_storage=storage)
    linear.weight = bitsandbytes.nn.Params4bit(w, requires_grad=False, quant_type="nf4",
                                               compress_statistics=nested, quant_storage=storage,
                                               module=linear)
    return linear.to("cpu")


def quantised(w, nested, storage):
    state = linear4bit(w, nested, storage).state_dict()
    return save({"linear." + name: t for name, t in state.items()})


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def operand(codes, absmax):
    """N-5 where codes [n][k] and block maxima are given: packed codes, ratios, scales."""
    a = absmax.reshape(codes.shape[0], codes.shape[1] // 64)
    top = a.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        ratio = np.rint((a * F(255)) / top)
    ratio = np.where(a == 0, F(0), np.where(ratio == 0, F(1), ratio)).astype(np.uint8)
    codes = np.where(np.repeat(ratio, 64, axis=1) == 0, 7, codes).astype(np.uint8)
    return codes[:, ::2] | codes[:, 1::2] << 4, ratio, top[:, 0] / F(127)


def parts(weight, state):
    """Codes [n][k] and the resolved absmax of a quantised tensor."""
    absmax = state.absmax
    if state.nested:
        absmax = dequantize_blockwise(state.absmax, state.state2) + state.offset
    rows, columns = state.shape
    raw = weight.view(torch.uint8).numpy().reshape(rows, columns // 2)
    codes = np.stack([raw >> 4, raw & 15], axis=2).reshape(rows, columns)
    return codes, absmax.numpy()


def answers(checkpoint):
    tensors = load(checkpoint)
    weight = tensors.pop(NAME)
    beside = {name.removeprefix(NAME + "."): t for name, t in tensors.items()}
    state = QuantState.from_dict(beside, device=torch.device("cpu"))
    state.dtype = torch.float32  # dequantise to f32, whatever the checkpoint was trained in
    numbers = dequantize_4bit(weight, state).numpy()
    codes, absmax = parts(weight, state)
    assert numbers.dtype == F and numbers.shape == (ROWS, COLUMNS)
    product = state.code.numpy()[codes] * np.repeat(absmax.reshape(ROWS, -1), 64, axis=1)
    assert product.tobytes() == numbers.tobytes()
    packed, ratios, scales = operand(codes, absmax)
    return {"dequantised_sha256": digest(numbers), "codes_sha256": digest(packed),
            "ratios_sha256": digest(ratios), "scales_sha256": digest(scales)}


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


def folder_make(folder, nested):
    """The demo model with its linears quantised. Returns: the operands that must come of it."""
    source = os.path.join(ROOT, "testnet", "model")
    model = LlamaForCausalLM.from_pretrained(source, torch_dtype=torch.bfloat16)
    wanted = {}
    for name, module in list(model.named_modules()):
        if not name.endswith("_proj"):
            continue
        linear = linear4bit(module.weight.data, nested, torch.uint8)
        model.get_submodule(name.rpartition(".")[0]).add_module(name.rpartition(".")[2], linear)
        wanted[name] = operand(*parts(linear.weight.data, linear.weight.quant_state))
    model.config.quantization_config = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=nested).to_dict()
    model.save_pretrained(folder, max_shard_size="1MB")
    shutil.copy(os.path.join(source, "tokenizer.json"), folder)
    return wanted


def fresh(program):
    bad = 0
    for nested in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            wanted = folder_make(folder, nested)
            assert os.path.exists(os.path.join(folder, "model.safetensors.index.json"))
            out = os.path.join(folder, "out")
            subprocess.run([program, "model", "import", folder, "--out", out], check=True)
            found = load_arrays(out)
            for name, operands in wanted.items():
                for part, array in zip(("codes", "ratios", "scales"), operands):
                    same = np.array_equal(found[f"{name}.{part}"], array)
                    bad += not same
                    if not same:
                        print(name, part, "different")
            print("nested" if nested else "plain", len(wanted), "linears")
            bad += len(wanted) != 42
    return bad


if __name__ == "__main__":
    sys.exit({"record": record, "check": check, "fresh": fresh}[sys.argv[1]](sys.argv[2]))
