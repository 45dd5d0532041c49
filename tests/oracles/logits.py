#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo model's next-token distributions by transformers and peft in f32, over held-out text,
on linears whose weights were quantised to NF4 and back (N-5).

  logits.py record OUT.bin    writes the vectors (tests/vectors/logits.bin)
  logits.py check FILE.bin    a fresh run must agree with them

The text is tests/vectors/heldout.txt: the first chapters of Moby-Dick (Herman Melville, 1851,
public domain; plain quotes and dashes, one line a paragraph), which neither the base model nor an
adapter was trained on, cut into windows of the whole context.

Little-endian file: "ASLOGIT1", u32 vocab, window, windows, top, stride, models; token ids u16
[windows][window]; per model a name [16] and per position top ids u16 by falling probability, their
values u16, then the values of the ids congruent to the position modulo stride, rising. A value is
-2048 log p. Top ids enter the divergence exactly; the others by that systematic sample, weighted
with stride: unbiased, as each term p log(p/q) - p + q is counted at one position in stride."""
import hashlib
import json
import struct
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

import common

ROOT = Path(__file__).resolve().parents[2]
WINDOWS, TOP, STRIDE, STEPS = 10, 32, 32, 2048.0
ADAPTERS = ["carroll", "doyle", "shakespeare"]
LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
F = np.float32
NF4 = np.array([0xbf800000, 0xbf3239b1, 0xbf066b30, 0xbeca32a0, 0xbe91a24d, 0xbe3d353f,
                0xbdba7871, 0x00000000, 0x3da2faff, 0x3e24cae3, 0x3e7c04dd, 0x3ead033a,
                0x3ee1a4b8, 0x3f1007ab, 0x3f3913b3, 0x3f800000], dtype=np.uint32).view(F)
TABLE_SHA256 = "e0fceaa986f911ca01bcbe7d4cf8946480a96a256c3f55f27e229d3ad6d60553"


def nf4_table():
    """T[ratio][code], N-4."""
    fine = np.rint(NF4 * F(127) * F(16)).astype(np.int64)
    product = np.arange(256)[:, None] * fine[None, :]
    table = (np.sign(product) * ((2 * np.abs(product) + 4080) // 8160)).astype(np.int8)
    assert hashlib.sha256(table.tobytes()).hexdigest() == TABLE_SHA256
    return table


def nf4_there_and_back(weight, table):
    """f32 -> q4 -> f32, N-5: blocks of 64, ratios of 8 bits, one scale a row."""
    rows, width = weight.shape
    blocks = weight.reshape(rows, width // 64, 64)
    block_max = np.abs(blocks).max(axis=2)
    row_max = block_max.max(axis=1, keepdims=True)
    assert weight.dtype == F and (row_max > 0).all()
    ratio = np.rint((block_max * F(255)) / row_max)
    ratio = np.where((ratio == 0) & (block_max > 0), F(1), ratio).astype(F)
    scaled = blocks / ((ratio * row_max) / F(255))[:, :, None]
    middles = (NF4[:-1] + NF4[1:]) * F(0.5)
    code = np.where(ratio[:, :, None] == 0, 7, np.searchsorted(middles, scaled, side="left"))
    scale = row_max / F(127)
    values = table[ratio.astype(np.int64)[:, :, None], code].astype(F)
    return (values * scale[:, :, None]).reshape(rows, width)


def base_open():
    config = LlamaConfig(**json.loads((ROOT / "testnet/model/config.json").read_text()))
    config.torch_dtype = "float32"
    model = LlamaForCausalLM._from_config(config, attn_implementation="eager").float().eval()
    tensors = load_file(ROOT / "testnet/model/model.safetensors")
    table = nf4_table()
    for name, tensor in tensors.items():
        tensors[name] = tensor.float()
        if name.split(".")[-2] in LINEARS:
            tensors[name] = torch.from_numpy(nf4_there_and_back(tensors[name].numpy(), table))
    left = model.load_state_dict(tensors, strict=False)
    assert not left.unexpected_keys and set(left.missing_keys) <= {"lm_head.weight"}, left
    model.tie_weights()
    return model


def windows_read(context):
    tokenizer = Tokenizer.from_file(str(ROOT / "testnet/model/tokenizer.json"))
    text = (ROOT / "tests/vectors/heldout.txt").read_text(encoding="utf-8")
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert len(ids) >= WINDOWS * context, f"the text has {len(ids)} tokens"
    return np.array(ids[:WINDOWS * context], dtype=np.int64).reshape(WINDOWS, context)


def log_probabilities(model, windows):
    """[window * position][vocab], f64 from f32 logits."""
    with torch.no_grad():
        parts = [model(torch.from_numpy(w[None])).logits[0].double().log_softmax(-1).numpy()
                 for w in windows]
    return np.concatenate(parts)


def encode(log_p):
    return np.minimum(np.rint(-log_p * STEPS), 65535).astype("<u2")


def rows_pack(log_p, window, top_count=TOP, stride=STRIDE):
    """The records of one model."""
    out = []
    for at, row in enumerate(log_p):
        top = np.argsort(-row, kind="stable")[:top_count]
        sample = np.arange((at % window) % stride, row.size, stride)
        for part in (top.astype("<u2"), encode(row[top]), encode(row[sample])):
            out.append(part.tobytes())
    return b"".join(out)


def vectors_make():
    torch.manual_seed(0)
    base = base_open()
    vocab, context = base.config.vocab_size, base.config.max_position_embeddings
    windows = windows_read(context)
    out = [b"ASLOGIT1", struct.pack("<6I", vocab, context, WINDOWS, TOP, STRIDE, 1 + len(ADAPTERS)),
           windows.astype("<u2").tobytes()]
    for name in ["base", *ADAPTERS]:
        model = base
        if name != "base":
            # A fresh base each time: peft changes the model it is given.
            model = PeftModel.from_pretrained(base_open(), ROOT / "testnet/adapters" / name).eval()
            assert any("lora_B" in key for key, _ in model.named_parameters())
        log_p = log_probabilities(model, windows)
        told = np.take_along_axis(log_p.reshape(WINDOWS, context, vocab)[:, :-1],
                                  windows[:, 1:, None], axis=2)
        print(f"{name}: cross-entropy {-told.mean():.4f} over {log_p.shape[0]} positions")
        out += [name.encode().ljust(16, b"\0"), rows_pack(log_p, context)]
    return b"".join(out)


def agree(recorded, fresh):
    """Header, ids and names equal; values within 2 steps (0.001): another processor sums floats in
    another order, so the order of near-equal tokens may differ too."""
    if len(recorded) != len(fresh) or recorded[:32] != fresh[:32]:
        return "sizes or headers differ"
    vocab, window, windows, top, stride, models = struct.unpack("<6I", recorded[8:32])
    at, count = 32 + 2 * window * windows, 2 * top + vocab // stride
    if recorded[:at] != fresh[:at]:
        return "token ids differ"
    for _ in range(models):
        size = 16 + 2 * count * window * windows
        a, b = recorded[at:at + size], fresh[at:at + size]
        if a[:16] != b[:16]:
            return "models differ"
        a, b = (np.frombuffer(x[16:], "<u2").reshape(-1, count).astype(int) for x in (a, b))
        worst = np.abs(a[:, top:] - b[:, top:]).max()
        first = (a[:, 0] != b[:, 0]).sum()
        print(f"{recorded[at:at + 16].rstrip(bytes(1)).decode()}: values differ by at most {worst} "
              f"steps, {first} of {len(a)} first tokens differ")
        if worst > 2 or first > len(a) // 1000:
            return "distributions differ"
        at += size
    return None


if __name__ == "__main__":
    common.main(vectors_make, agree)
