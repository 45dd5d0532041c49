# SPDX-License-Identifier: Apache-2.0
"""The vectors of tests/vectors/tokenizer_config.json: folders whose tokenizer_config.json and its
kin do, or do not, give transformers' AutoTokenizer other ids than their tokenizer.json has.

    tokenizer_config.py record|check tests/vectors/tokenizer_config.json
"""
import json
import os
import shutil
import tempfile

import transformers
from tokenizers import Tokenizer
from transformers import AutoTokenizer

import common
from tokenizer import BASE, LLAMA3, ROOT, ids_of, split, token
from tokenizer_spm import MARK, changed, metaspace, train

assert transformers.__version__ == "4.51.3"
transformers.logging.set_verbosity_error()
SPM = json.load(open(os.path.join(ROOT, "tests/vectors/tokenizer_spm.json"),
                     encoding="ascii"))["tokenizer"]
END, IMAGE, ACCENT, KELVIN = "<|endoftext|>", "<im>", "e\u0301t", "qK"
CONFIG, SPECIAL, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
WORDS = [token(0, END), dict(token(2048, ACCENT), special=False),
         dict(token(2049, "qx"), special=False),
         dict(token(2050, "qxz"), special=False, normalized=True), token(2051, "jqx"),
         dict(token(2052, KELVIN), special=False), token(2053, "e\u0301p"),
         dict(token(2054, "jqxz"), normalized=True)]
TOKENIZERS = {
    "demo": {"base": "demo", "change": {}},
    "sequence": {"base": "demo", "change": {"pre_tokenizer": split(LLAMA3)}},
    "words": {"base": "demo", "change": {"added_tokens": WORDS}},
    "nfc": {"base": "demo", "change": {"added_tokens": WORDS, "normalizer": {"type": "NFC"}}},
    "spm": {"base": "spm", "change": {}},
    "spm_words": {"base": "spm", "change": {"added_tokens": SPM["added_tokens"] + [
        dict(token(len(SPM["model"]["vocab"]), "Sherlock Holmes"), special=False)]}},
    "spm_first": {"base": "spm", "change": metaspace("first")},
    "spm_always": {"base": "spm", "change": metaspace("always")},
    "spm_never": {"base": "spm", "change": metaspace("never")},
    "spm_replace": {"base": "spm", "change": {"normalizer": {
        "type": "Replace", "pattern": {"String": " "}, "content": MARK}}},
}
TEXTS = [
    "", "the end", " the", "breathe the", f"a {END} b{END}", f"a{END}b {END}  c", "a<im>b",
    "a <im>", "xe\u0301t", "x\u00e9t", "xe\u0301p", "x\u00e9p",
    "qx qxz qxzd jqxz", "qK q\u212a", "the cat", " the cat", "the<s>cat", "<s>the",
    "a <s> b</s>", "x  <|user|> y", MARK + "<s> <s>", "the<s> cat<unk>",
    "x Sherlock Holmes", "x Sherlock" + MARK + "Holmes",
]


def flags(content, **more):
    return {"content": content, "lstrip": False, "rstrip": False, "single_word": False,
            "normalized": False, "special": True, **more}


def added(content, **more):
    return {"__type": "AddedToken", **flags(content, **more)}


def case(what, tokenizer, kin=None, **config):
    config.setdefault("tokenizer_class", "PreTrainedTokenizerFast")
    return {"what": what, "tokenizer": tokenizer, "files": {CONFIG: config, **(kin or {})}}


def demo_cases():
    whole = {"0": flags(END)}
    for what, entry in {
            "as it is": flags(END), "not special": flags(END, special=False),
            "normalized": flags(END, normalized=True), "only content": {"content": END},
            "lstrip": flags(END, lstrip=True), "rstrip": flags(END, rstrip=True),
            "single_word": flags(END, single_word=True)}.items():
        yield case("decoder: " + what, "demo", added_tokens_decoder={"0": entry})
        yield case("eos, object: " + what, "demo", eos_token=dict(entry, __type="AddedToken"))
        yield case("eos, object, in decoder: " + what, "demo", added_tokens_decoder=whole,
                   eos_token=dict(entry, __type="AddedToken"))
        yield case("eos, object, not in decoder: " + what, "demo", added_tokens_decoder={},
                   eos_token=dict(entry, __type="AddedToken"))
        yield case("list, object: " + what, "demo",
                   additional_special_tokens=[dict(entry, __type="AddedToken")])
        yield case("list, object, in decoder: " + what, "demo", added_tokens_decoder=whole,
                   additional_special_tokens=[dict(entry, __type="AddedToken")])
        yield case("extra, object: " + what, "demo",
                   extra_special_tokens={"one": dict(entry, __type="AddedToken")})
        yield case("map, object: " + what, "demo", {SPECIAL: {"eos_token": entry}})
        yield case("map, list, object: " + what, "demo",
                   {SPECIAL: {"additional_special_tokens": [entry]}})
    yield case("decoder: other id", "demo", added_tokens_decoder={"7": flags(END)})
    yield case("decoder: new", "demo", added_tokens_decoder={**whole, "2048": flags(IMAGE)})
    yield case("decoder: word", "demo", added_tokens_decoder={**whole, "9": flags("the")})
    yield case("decoder: empty text", "demo", added_tokens_decoder={**whole, "2048": flags("")})
    yield case("decoder: new, and named", "demo", eos_token=IMAGE,
               added_tokens_decoder={"2048": flags(IMAGE)})
    for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask"):
        member = name + "_token"
        yield case(member + ": there", "demo", **{member: END})
        yield case(member + ": new", "demo", **{member: IMAGE})
        yield case(member + ": new object", "demo", **{member: added(IMAGE)})
        yield case(member + ": word", "demo", **{member: "the"})
        yield case(member + ": null", "demo", **{member: None})
        yield case(member + ": empty text", "demo", **{member: ""})
        yield case(member + ": new beside a decoder", "demo", added_tokens_decoder=whole,
                   **{member: IMAGE})
    for what, tokens in {"there": [END], "new": [END, IMAGE], "empty text": [""], "none": [],
                         "null": None}.items():
        yield case("list: " + what, "demo", additional_special_tokens=tokens)
        if tokens is not None:
            yield case("extra: " + what, "demo",
                       extra_special_tokens={f"n{i}": one for i, one in enumerate(tokens)})
    for on in (False, True):
        for name in ("demo", "sequence"):
            yield case(f"split_special_tokens: {on}", name, split_special_tokens=on)
            yield case(f"add_prefix_space: {on}", name, add_prefix_space=on)
        yield case(f"add_bos_token: {on}", "demo", add_bos_token=on)
    yield case("add_prefix_space: null", "demo", add_prefix_space=None)
    yield case("add_prefix_space: GPT-2's class", "demo", add_prefix_space=True,
               tokenizer_class="GPT2Tokenizer")
    yield case("image_token", "demo", image_token=IMAGE)
    yield case("chat_template", "demo", chat_template="{{ messages }}", model_max_length=5)


def kin_cases():
    yield case("map: there", "demo", {SPECIAL: {"eos_token": END}})
    yield case("map: new", "demo", {SPECIAL: {"eos_token": IMAGE}})
    yield case("map: new, beside a decoder", "demo", {SPECIAL: {"eos_token": IMAGE}},
               added_tokens_decoder={})
    yield case("map: in place of a new one", "demo", {SPECIAL: {"eos_token": END}},
               eos_token=IMAGE)
    yield case("map: null for a new one", "demo", {SPECIAL: {"eos_token": None}}, eos_token=IMAGE)
    yield case("map: list after a new one", "demo", {SPECIAL: {"additional_special_tokens": [END]}},
               additional_special_tokens=[IMAGE])
    yield case("map: list with a new one", "demo",
               {SPECIAL: {"additional_special_tokens": [IMAGE]}}, additional_special_tokens=[END])
    yield case("map: null for a list", "demo", {SPECIAL: {"additional_special_tokens": None}},
               additional_special_tokens=[IMAGE])
    yield case("map: split_special_tokens", "demo", {SPECIAL: {"split_special_tokens": True}})
    yield case("added: there", "demo", {ADDED: {END: 0}})
    yield case("added: there, other id", "demo", {ADDED: {END: 7}})
    yield case("added: new", "demo", {ADDED: {IMAGE: 2048}})
    yield case("added: new, beside a decoder", "demo", {ADDED: {IMAGE: 2048}},
               added_tokens_decoder={})
    for kin in ({SPECIAL: {"pad_token": IMAGE}}, {SPECIAL: {"pad_token": END}},
                {ADDED: {IMAGE: 2048}}):
        yield {"what": "no tokenizer_config.json", "tokenizer": "demo",
               "files": {**kin, "config.json": {"model_type": "qwen2"}}}


def normalized_cases():
    """Of tokens that are not special in tokenizer.json, and of some that are."""
    for name in ("words", "nfc"):
        for content in [one["content"] for one in WORDS[1:]]:
            for normalized in (False, True):
                yield case(f"{content}: normalized {normalized}", name, added_tokens_decoder={
                    "5": flags(content, normalized=normalized, special=False)})
            yield case(f"{content}: only content", name,
                       added_tokens_decoder={"5": {"content": content}})
            yield case(f"{content}: only content, named", name, eos_token=content,
                       added_tokens_decoder={"5": {"content": content}})
            yield case(f"{content}: only content, special", name,
                       added_tokens_decoder={"5": {"content": content, "special": True}})
            yield case(f"{content}: only content, list", name, additional_special_tokens=[
                {"__type": "AddedToken", "content": content}])
    for content in ("Sherlock Holmes", "<|user|>"):
        yield case(f"{content}: only content", "spm_words",
                   added_tokens_decoder={"5": {"content": content}})


def spaces_cases():
    whole = {str(one["id"]): {k: v for k, v in one.items() if k != "id"}
             for one in SPM["added_tokens"]}
    for name in ("spm", "spm_first", "spm_always", "spm_never", "spm_replace"):
        for members in ({}, {"from_slow": True}, {"add_prefix_space": None},
                        {"add_prefix_space": True}, {"add_prefix_space": False},
                        {"add_prefix_space": False, "from_slow": True},
                        {"add_prefix_space": True, "from_slow": True}):
            for legacy in ({}, {"legacy": True}, {"legacy": False}):
                yield case(f"{members} {legacy}", name, tokenizer_class="LlamaTokenizer",
                           added_tokens_decoder=whole, **members, **legacy)
        yield case("no class", name, tokenizer_class=None, add_prefix_space=False)
        for on in (False, True):
            yield case(f"another class: {on}", name, add_prefix_space=on)


def backend(name):
    entry = TOKENIZERS[name]
    return json.dumps(changed(BASE if entry["base"] == "demo" else SPM, entry["change"]))


def differs(one, folder, model):
    """Whether any text has other ids; a folder for the library has more files than it is about."""
    text = backend(one["tokenizer"])
    spm = TOKENIZERS[one["tokenizer"]]["base"] == "spm"
    files = {"config.json": {"model_type": "llama"}, **one["files"]}
    os.makedirs(folder)
    for name, value in files.items():
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            json.dump(value, file)
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="ascii") as file:
        file.write(text)
    if spm:
        shutil.copy(model, os.path.join(folder, "tokenizer.model"))
    alone, library = Tokenizer.from_str(text), AutoTokenizer.from_pretrained(folder)
    return any(ids_of(alone, one) != library(one, add_special_tokens=False)["input_ids"]
               for one in TEXTS)


def make():
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        model = train(folder)
        for make_cases in (demo_cases, kin_cases, normalized_cases, spaces_cases):
            cases += make_cases()
        for i, one in enumerate(cases):
            one["differs"] = differs(one, os.path.join(folder, str(i)), model)
    return common.rows({"about": "by tests/oracles/tokenizer_config.py: transformers 4.51.3",
                        "tokenizers": TOKENIZERS}, {"cases": cases})


if __name__ == "__main__":
    common.main(make)
