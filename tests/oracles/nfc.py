# SPDX-License-Identifier: Apache-2.0
"""quant/tokenizer/nfc_table.c: the tables of NFC, and what Hugging Face's tokenizers makes of them.

The pairs and classes are Python's unicodedata; of them those that tokenizers 0.21.1 knows, whose
tables are Unicode 9.0's. By Unicode's stability policy nothing else has ever changed, so that any
Python whose data are of 9.0 or later makes the same file.

    nfc.py record|check quant/tokenizer/nfc_table.c
"""
import unicodedata

import tokenizers
from tokenizers import normalizers

import common

assert tokenizers.__version__ == "0.21.1"
NFC = normalizers.NFC().normalize_str
HEAD = """// SPDX-License-Identifier: Apache-2.0
// Made by tests/oracles/nfc.py; do not edit.
// clang-format off
#include "quant/tokenizer/nfc_table.h"

"""


def codes():
    return (c for c in range(0x110000) if not 0xD800 <= c < 0xE000)


def pair_of(code):
    """The canonical decomposition, one step of it, or None."""
    text = unicodedata.decomposition(chr(code))
    if not text or text.startswith("<"):
        return None
    return tuple(int(part, 16) for part in text.split())


def known(code, parts):
    """Whether tokenizers decomposes this character, or composes it."""
    text = chr(code)
    if len(parts) == 1 or unicodedata.normalize("NFC", text) != text:
        return NFC(text) != text
    return NFC("".join(map(chr, parts))) == text


def ordered(code):
    """Whether tokenizers knows this character's combining class."""
    around = "\u0334\u05b0\u0323\u0301\u0345\u0300\u0591\u059a\u302a\u0e38\u0f71"
    return any(NFC(text) == unicodedata.normalize("NFC", text) != text
               for mark in around
               for text in ("\u4e00" + chr(code) + mark, "\u4e00" + mark + chr(code)))


def rows(entries):
    lines = [""]
    for entry in entries:
        if len(lines[-1]) + len(entry) > 95:
            lines.append("")
        lines[-1] += entry
    return "".join(f"    {line}\n" for line in lines)


def make():
    pairs = {c: p for c in codes() if (p := pair_of(c)) and known(c, p)}
    composites = {c: p for c, p in pairs.items()
                  if len(p) == 2 and unicodedata.normalize("NFC", chr(c)) == chr(c)}
    seconds = {p[1] for p in composites.values()}
    classes = {}
    for code in codes():
        combining = unicodedata.combining(chr(code))
        if combining and ordered(code):
            classes[code] = combining
        elif code in seconds and not combining:
            classes[code] = 255
    ranges = []
    for code, combining in sorted(classes.items()):
        if ranges and ranges[-1][1] == code - 1 and ranges[-1][2] == combining:
            ranges[-1][1] = code
        else:
            ranges.append([code, code, combining])
    order = sorted(pairs)
    by_parts = sorted(composites, key=lambda c: composites[c])
    places = [order.index(c) for c in by_parts]
    both = [(c, *pairs[c], 0)[:3] for c in order]
    out = HEAD
    out += "const assay_nfc_pair assay_nfc_pairs[ASSAY_NFC_PAIR_COUNT] = {\n"
    out += rows(["{0x%x,0x%x,0x%x}," % entry for entry in both]) + "};\n\n"
    out += "const uint16_t assay_nfc_composites[ASSAY_NFC_COMPOSITE_COUNT] = {\n"
    out += rows([f"{place}," for place in places]) + "};\n\n"
    out += "const assay_nfc_class assay_nfc_classes[ASSAY_NFC_CLASS_COUNT] = {\n"
    out += rows(["{0x%x,0x%x,%d}," % tuple(r) for r in ranges]) + "};\n"
    print("pairs %d, composites %d, classes %d" % (len(both), len(places), len(ranges)))
    return out


if __name__ == "__main__":
    common.main(make)
