# SPDX-License-Identifier: Apache-2.0
"""The vectors of tests/vectors/tokenizer_spm.json: a SentencePiece model trained here, converted by
transformers as Llama's and Mistral's are, and encoded by Hugging Face's tokenizers.

    tokenizer_spm.py record|check tests/vectors/tokenizer_spm.json
"""
import hashlib
import json
import os
import struct
import tempfile

import sentencepiece
import tokenizers
import transformers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer
from transformers import LlamaTokenizerFast

import common
from tokenizer import EDGES, ROOT, ids_of, random_texts, token

assert (tokenizers.__version__, transformers.__version__, sentencepiece.__version__) == (
    "0.21.1", "4.51.3", "0.2.0")
NAMES = ("carroll", "doyle", "shakespeare")
MARK = "\u2581"
OWN_EDGES = [
    MARK, MARK * 3, " " + MARK + " x", "x" + MARK, "<0x41>", "a<0x0A>b", "<s>", "</s>x", "x<s>y",
    "<unk>", " <s> ", "<s><s>", "<s> a", "the<0xE4>", "<|user|>hello <|user|> there", " hello",
    "hello ", "  hello", "\nhello", "e the t\u00e9t\u00e9 the", "Sherlock Holmes", "x Sherlock",
    "Sherlock<s>Holmes Sherlock Holmes", "12345 0x7f 3.14", "the cat. The cat! the" + MARK + "cat",
]


def data(name):
    return os.path.join(ROOT, "testnet/data", name + ".txt")


def train(folder):
    prefix = os.path.join(folder, "spm")
    sentencepiece.SentencePieceTrainer.train(
        input=",".join(map(data, NAMES)), model_prefix=prefix, model_type="bpe", vocab_size=1000,
        byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
        split_digits=True, allow_whitespace_only_pieces=True, character_coverage=0.999,
        user_defined_symbols=["<|user|>"], num_threads=1, minloglevel=2)
    return prefix + ".model"


def metaspace(scheme):
    return {"normalizer": None, "pre_tokenizer": {
        "type": "Metaspace", "replacement": MARK, "prepend_scheme": scheme, "split": False}}


def changed(base, change):
    out = json.loads(json.dumps(base))
    for name, value in change.items():
        if name == "model":
            out["model"].update(value)
        elif name == "vocab":
            out["model"]["vocab"].update(value)
        elif name == "merges_first":
            out["model"]["merges"] = value + out["model"]["merges"]
        else:
            out[name] = value
    return out


def make():
    with tempfile.TemporaryDirectory() as folder:
        path = train(folder)
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(open(path, "rb").read())
        forms = [json.loads(LlamaTokenizerFast(vocab_file=path, legacy=legacy,
                                               add_prefix_space=True)
                            .backend_tokenizer.to_str()) for legacy in (True, False)]
    base = forms[0]
    added = base["added_tokens"]
    normalized = [dict(entry, normalized=True) for entry in added]
    count = len(base["model"]["vocab"])
    words = [dict(token(count, "Sherlock Holmes"), special=False, normalized=True),
             dict(token(count + 1, "Sherlock"), special=False)]
    spans = ["e" + MARK + "t", "e" + MARK + "th"]
    modern = {name: forms[1][name] for name in ("normalizer", "pre_tokenizer", "decoder")}
    changes = {
        "legacy": {},
        "first": modern,
        "always": metaspace("always"),
        "never": metaspace("never"),
        "replace": {"normalizer": {"type": "Replace", "pattern": {"String": " "},
                                   "content": MARK}},
        "normalized": {"added_tokens": normalized + words},
        "normalized_first": dict(modern, added_tokens=normalized + words),
        "whole": {"model": {"ignore_merges": True}},
        # Merges that reach over a space.
        "spans": {"vocab": {text: count + i for i, text in enumerate(spans)},
                  "merges_first": [["e", MARK + "t"], [spans[0], "h"]]},
    }
    texts = EDGES + OWN_EDGES + random_texts()[::4]
    variants = {}
    for name, change in changes.items():
        one = Tokenizer.from_str(json.dumps(changed(base, change)))
        variants[name] = {"change": change, "ids": [ids_of(one, text) for text in texts]}
    hf = Tokenizer.from_str(json.dumps(base))
    files = {}
    for name in NAMES:
        ids = ids_of(hf, open(data(name), encoding="utf-8", newline="").read())
        packed = struct.pack(f"<{len(ids)}I", *ids)
        files[name] = {"count": len(ids), "sha256": hashlib.sha256(packed).hexdigest()}
    return {
        "about": "by tests/oracles/tokenizer_spm.py: tokenizers 0.21.1, transformers 4.51.3, "
                 "sentencepiece 0.2.0",
        "tokenizer": base,
        "scores": [piece.score for piece in proto.pieces],
        "types": [piece.type for piece in proto.pieces],
        "texts": [text.encode().hex() for text in texts],
        "decoded": [hf.decode(ids, skip_special_tokens=False).encode().hex()
                    for ids in variants["legacy"]["ids"]],
        "files": files,
        "variants": variants,
    }


if __name__ == "__main__":
    common.main(lambda: common.packed(make()))
