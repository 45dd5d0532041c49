# SPDX-License-Identifier: Apache-2.0
"""The vectors of tests/vectors/tokenizer.json, by Hugging Face's tokenizers.

    pip install tokenizers==0.21.1
    tokenizer.py record|check tests/vectors/tokenizer.json
"""
import hashlib
import json
import os
import random
import struct

import tokenizers
from tokenizers import Tokenizer, normalizers, pre_tokenizers

import common

assert tokenizers.__version__ == "0.21.1"
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BASE = json.load(open(os.path.join(ROOT, "testnet/model/tokenizer.json"), encoding="utf-8"))
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
EDGES = [
    "", " ", "  ", "\n", "\r\n\r\n", "\t\t x", "   x", "x   ", "a\u0085b", "a\u00a0\u3000b",
    "a\u200bb", "it's IT'S it\u2019s 'sure 'tis 'll 've'd'm", "\u017f'\u017f '\u017f",
    "x'S x'LL x'\u212a", "0123456789 12 345 6789", "\u0663\u0664\u0665 \u2167 \u00bd \u00b2",
    "<|endoftext|>", "a<|endoftext|><|endoftext|> b<|endoftext|", " <|endoftext|> ",
    "<|endof<|endoftext|>text|>", "Hello, Watson! -- said I.", "e\u0301\u00e9\ufb01 \u01c5",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea",
    "\ud55c\uad6d\uc5b4 \u65e5\u672c\u8a9e\u306e\u6587\u7ae0",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f600\ufe0f", "\U0010ffff\ue000\ufffd\ufeff",
    "a\u0000b\u0001\u007f", "_" * 40, "=-" * 40, "a" * 300, " " * 300, "\n \n " * 50, "ab" * 200,
    "!?" * 3 + "\r\n" * 3 + " \n\t x", "the " * 60, "\u4f60" * 100, "\u1e9e\u00df STRASSE",
]


def with_changes(**model):
    changed = json.loads(json.dumps(BASE))
    for name, value in model.items():
        if name in changed:
            changed[name] = value
        else:
            changed["model"][name] = value
    return Tokenizer.from_str(json.dumps(changed))


def token(index, content):
    return {"id": index, "content": content, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, "special": True}


def split(pattern):
    return {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
         "use_regex": False}]}


def random_texts():
    rng = random.Random(1)
    alphabets = [
        "abcdefghij '\u2019 \n", " \t\n\r\u00a0\u2003x1.", "0123456789 ,.\u0660\u2160a",
        "the and of to in is \n", "\u00e9\u00e8\u0391\u03b1\u0416\u4e2d\u6587 \u3002'sST",
        [chr(c) for c in range(0x20, 0x250)],
        [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000],
    ]
    return ["".join(rng.choice(a) for _ in range(rng.randrange(1, 60)))
            for a in alphabets for _ in range(30)]


def classes():
    """One letter for each code point: which run of the split it belongs to."""
    split_of = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    out = bytearray()
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        character = chr(code)
        for kind, before in zip(b"LNO", "a1!"):
            if len(split_of(before + character)) == 1:
                out.append(kind)
                break
        else:
            out.append(ord("S"))
    return hashlib.sha256(out).hexdigest()


def nfc_texts():
    """Marks in every order, Hangul in parts, and what later versions of Unicode brought."""
    rng = random.Random(3)
    marks = [*range(0x300, 0x370), *range(0x591, 0x5BE), *range(0x64B, 0x653), 0x93C, 0x94D,
             0xE38, 0x302A, 0x3099, 0x309A, 0x1D165, 0x7FD, 0x1ABF, 0x1DF6, 0x10F46, 0x1E130]
    parts = ([c for c in range(0xC0, 0x250)] + [0x1100, 0x1112, 0x1161, 0x1175, 0x11A7, 0x11A8,
             0x11C2, 0xAC00, 0xAC01, 0xD7A3, 0x915, 0x9C7, 0x9BE, 0x9D7, 0x1025, 0x102E, 0xDD9,
             0xDCF, 0xDCA, 0x11935, 0x11930, 0x212B, 0xFB1D, 0x2F800, 0x1D15E, 0x344, 0xF73, 0x3B9])
    return ["".join(chr(rng.choice(marks if rng.random() < 0.5 else parts + [0x61]))
                    for _ in range(rng.randrange(1, 16))) for _ in range(400)]


def nfc_digest():
    """Of every code point's normal form, alone and among marks, each with a zero byte after."""
    nfc = normalizers.NFC().normalize_str
    sha = hashlib.sha256()
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000:
            for around in ("{}", "a\u0301{}\u0323", "a{}\u0328\u0300\u3099"):
                sha.update(nfc(around.format(chr(code))).encode() + b"\0")
    return sha.hexdigest()


def ids_of(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def make():
    base = with_changes()
    texts = EDGES + random_texts()
    added = [token(0, "<|endoftext|>"), token(2048, "<|end"), token(2049, "\u00e9t\u00e9"),
             token(2050, "  "), token(2051, "the a"), token(2052, "\uff5c<\uff5c")]
    normalized = [dict(token(0, "<|endoftext|>"), normalized=True),
                  dict(token(2048, "e\u0301t"), normalized=True), token(2049, "e\u0301t\u0301"),
                  dict(token(2050, "the a"), special=False, normalized=True)]
    nfc = {"type": "NFC"}
    added_texts = EDGES + ["the and the a<|end<|endoftext|> \u00e9t\u00e9\uff5c<\uff5cx   y",
                           "e\u0301t \u00e9t e\u0301t\u0301 \u00e9t\u0301 \u1e67\u0323 the and"]
    variants = [
        {"name": "base", "tokenizer": base, "texts": texts},
        {"name": "ignore_merges", "texts": texts,
         "tokenizer": with_changes(ignore_merges=True, merges=BASE["model"]["merges"][:1000])},
        {"name": "llama3", "tokenizer": with_changes(pre_tokenizer=split(LLAMA3)),
         "texts": texts},
        {"name": "qwen2", "tokenizer": with_changes(pre_tokenizer=split(QWEN2), normalizer=nfc),
         "texts": texts},
        {"name": "normalized", "texts": added_texts,
         "tokenizer": with_changes(normalizer=nfc, added_tokens=normalized)},
        {"name": "added", "tokenizer": with_changes(added_tokens=added), "texts": added_texts},
    ]
    files = {}
    for name in ("carroll", "doyle", "shakespeare"):
        path = os.path.join(ROOT, "testnet/data", name + ".txt")
        ids = ids_of(base, open(path, encoding="utf-8", newline="").read())
        packed = struct.pack(f"<{len(ids)}I", *ids)
        files[name] = {"count": len(ids), "sha256": hashlib.sha256(packed).hexdigest()}
    rng = random.Random(2)
    decoded = [[rng.randrange(2048) for _ in range(rng.randrange(20))] for _ in range(40)]
    decoded += [[rng.randrange(129, 257) for _ in range(8)] for _ in range(40)]
    repairs = [bytes(rng.choice([0x41, 0x80, 0xBF, 0xC3, 0xE0, 0xA0, 0xED, 0x9F, 0xF0, 0x90, 0xF4,
                                 0x8F, 0xFF]) for _ in range(rng.randrange(12)))
               for _ in range(400)]
    return {
        "about": "by tests/oracles/tokenizer.py, tokenizers 0.21.1",
        "classes_sha256": classes(),
        "files": files,
        "decode": [{"ids": ids, "text": base.decode(ids, skip_special_tokens=False)}
                   for ids in decoded],
        "repair": [{"hex": data.hex(), "text": data.decode("utf-8", "replace")}
                   for data in repairs],
        "texts": [text.encode().hex() for text in texts],
        "added_texts": [text.encode().hex() for text in added_texts],
        "added_tokens": added,
        "llama3_pre_tokenizer": split(LLAMA3),
        "qwen2_pre_tokenizer": split(QWEN2),
        "normalized_tokens": normalized,
        "nfc_sha256": nfc_digest(),
        "nfc": [[text.encode().hex(), normalizers.NFC().normalize_str(text).encode().hex()]
                for text in nfc_texts()],
        "variants": {v["name"]: [ids_of(v["tokenizer"], text) for text in v["texts"]]
                     for v in variants},
    }


if __name__ == "__main__":
    common.main(lambda: common.packed(make()))
