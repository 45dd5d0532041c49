# SPDX-License-Identifier: Apache-2.0
"""The vectors of tests/vectors/chat.json: conversations by transformers' apply_chat_template, with
the families' templates as their model cards publish them, without the parts for tools.

    chat.py record|check tests/vectors/chat.json
"""
import json
import os

import transformers
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

import common
from tokenizer import BASE, LLAMA3, QWEN2, ROOT, split, token
from tokenizer_spm import changed, metaspace

assert transformers.__version__ == "4.51.3"
SPM = json.load(open(os.path.join(ROOT, "tests/vectors/tokenizer_spm.json"),
                     encoding="ascii"))["tokenizer"]

LLAMA2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
    "{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}"
    "{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}")
MISTRAL = (
    "{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] %}"
    "{%- set loop_messages = messages[1:] %}{%- else %}{%- set loop_messages = messages %}"
    "{%- endif %}{{- bos_token }}{%- for message in loop_messages %}"
    "{%- if message['role'] == 'user' %}{%- if loop.@WHEN@ and system_message is defined %}"
    "{{- '@OPEN@ ' + system_message + '\\n\\n' + message['content'] + '@CLOSE@' }}{%- else %}"
    "{{- '@OPEN@ ' + message['content'] + '@CLOSE@' }}{%- endif %}"
    "{%- else %}{{- ' ' + message['content']@TRIM@ + eos_token }}{%- endif %}{%- endfor %}")
LLAMA3_TURNS = (
    "{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + "
    "'<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}")
LLAMA31 = (
    "{{- bos_token }}{%- if messages[0]['role'] == 'system' %}"
    "{%- set system_message = messages[0]['content']|trim %}{%- set messages = messages[1:] %}"
    "{%- else %}{%- set system_message = '' %}{%- endif %}"
    "{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}"
    "{{- 'Cutting Knowledge Date: December 2023\\n' }}"
    "{{- 'Today Date: 26 Jul 2024\\n\\n' }}{{- system_message }}{{- '<|eot_id|>' }}" + LLAMA3_TURNS)
CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' and "
    "'@DEFAULT@' != '' %}{{ '<|im_start|>system\\n@DEFAULT@<|im_end|>\\n' }}{% endif %}"
    "{% set content = message['content'] %}"
    "{% if @CUT@ and message['role'] == 'assistant' and '</think>' in content %}"
    "{% set content = content.split('</think>')[-1].lstrip('\\n') %}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\\n' + content + '<|im_end|>' + '\\n'}}{% endfor %}"
    "{{ '<|im_start|>assistant\\n' }}")


def mistral(when, opening, closing, trimmed):
    return (MISTRAL.replace("@WHEN@", when).replace("@OPEN@", opening)
            .replace("@CLOSE@", closing).replace("@TRIM@", "|trim" if trimmed else ""))


def chatml(default, cut=False):
    return CHATML.replace("@DEFAULT@", default).replace("@CUT@", str(cut).lower())


def byte_level(pattern, names, nfc):
    change = {"pre_tokenizer": split(pattern),
              "added_tokens": [token(0, "<|endoftext|>")] +
              [token(2048 + i, name) for i, name in enumerate(names)]}
    if nfc:
        change["normalizer"] = {"type": "NFC"}
    return {"base": "demo", "change": change}


HEADERS = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
TURNS = ["<|im_start|>", "<|im_end|>"]
INST = SPM["added_tokens"] + [token(1000, "[INST]"), token(1001, "[/INST]")]
TOKENIZERS = {
    "llama3": byte_level(LLAMA3, HEADERS, False),
    "llama3.1": byte_level(LLAMA3, HEADERS + ["<|eom_id|>"], False),
    "qwen2": byte_level(QWEN2, TURNS, True),
    "qwen2.5": byte_level(QWEN2, TURNS + ["<tool_call>"], True),
    "qwen3": byte_level(QWEN2, TURNS + ["<tool_call>", "<think>"], True),
    "spm": {"base": "spm", "change": {}},
    "spm_first": {"base": "spm", "change": metaspace("first")},
    "spm_always": {"base": "spm", "change": metaspace("always")},
    "inst": {"base": "spm", "change": {"added_tokens": INST}},
    "inst_first": {"base": "spm", "change": dict(metaspace("first"), added_tokens=INST)},
}
QWEN25 = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
# The tokenizer, the template's name, its text, and whether the tokenizer tells it.
TEMPLATES = [
    ("llama3", "llama3", "{{ bos_token }}" + LLAMA3_TURNS, True),
    ("llama3.1", "llama3.1", LLAMA31, True),
    ("qwen2", "qwen2", chatml("You are a helpful assistant."), True),
    ("qwen2.5", "qwen2.5", chatml(QWEN25), True),
    ("qwen3", "qwen3", chatml("", True), True),
    ("qwen2", "chatml", chatml(""), False),
    ("spm", "llama2", LLAMA2, False),
    ("spm_first", "llama2", LLAMA2, False),
    # The older tokenizers put the space in front themselves, and their templates have none.
    ("spm", "mistral-v1", mistral("first", "[INST]", " [/INST]", False), False),
    ("spm_always", "mistral-v1", mistral("first", "[INST]", " [/INST]", False), False),
    ("spm_first", "mistral-v1", mistral("first", " [INST]", " [/INST]", False), False),
    ("inst", "mistral-v3", mistral("last", "[INST]", "[/INST]", True), True),
    ("inst_first", "mistral-v3", mistral("last", "[INST]", "[/INST]", True), True),
]


def turns(system, *texts):
    out = [{"role": "system", "content": system}] if system is not None else []
    return out + [{"role": "assistant" if i % 2 else "user", "content": text}
                  for i, text in enumerate(texts)]


CONVERSATIONS = [
    turns(None, "Hello"),
    turns("You are terse.", "Who wrote this?"),
    turns(None, " Who are you? ", "  I am a program. ", "e\u0301\u00e9 12345\n\nthen?\n"),
    turns("\tAnswer as Holmes. \n", "\u3000Why\u00a0", "Elementary.\n", "\x1fSo?\x1c", "Yes",
          "\u4f60\u597d \U0001f600"),
    turns("S", "a", "<b>thoughts</b></think>\n\nThe answer", "c"),
    turns(None, "it's\r\n  IT'LL   be 3.14  ", "x", "\u2581 <0x41> </s"),
]


def make():
    cases = []
    for name, template, text, told in TEMPLATES:
        entry = TOKENIZERS[name]
        base = BASE if entry["base"] == "demo" else SPM
        backend = Tokenizer.from_str(json.dumps(changed(base, entry["change"])))
        first = "<|begin_of_text|>" if "llama3" in name else "<s>"
        fast = PreTrainedTokenizerFast(
            tokenizer_object=backend, chat_template=text,
            **({} if "qwen" in name else {"bos_token": first}),
            **({"eos_token": "</s>"} if entry["base"] == "spm" else {}))
        assert len(fast) == backend.get_vocab_size()
        for messages in CONVERSATIONS:
            cases.append({"tokenizer": name, "template": template, "told": told,
                          "messages": messages,
                          "ids": fast.apply_chat_template(messages, add_generation_prompt=True)})
    return {"about": "by tests/oracles/chat.py: transformers 4.51.3, tokenizers 0.21.1",
            "tokenizers": TOKENIZERS, "cases": cases}


if __name__ == "__main__":
    common.main(lambda: common.packed(make()))
