# SPDX-License-Identifier: Apache-2.0
"""Writes quant/unicode.c: Unicode 14.0's letters and numbers as PCRE2 class texts.

python3.11 tests/oracles/unicode_classes.py > quant/unicode.c
"""
import unicodedata

assert unicodedata.unidata_version == "14.0.0"


def ranges(category):
    start, out = None, []
    for code in range(0x110001):
        inside = code < 0x110000 and unicodedata.category(chr(code))[0] == category
        if inside and start is None:
            start = code
        if not inside and start is not None:
            out.append((start, code - 1))
            start = None
    return out


def text(first, last):
    return f"\\\\x{{{first:x}}}" + (f"-\\\\x{{{last:x}}}" if last != first else "")


def define(name, category):
    line, out = "", []
    for first, last in ranges(category):
        part = text(first, last)
        if len(line) + len(part) > 90:
            out.append(line)
            line = ""
        line += part
    out.append(line)
    print(f"\nconst char assay_unicode_{name}[] =")
    print("\n".join(f'    "{line}"' for line in out) + ";")


print("""// SPDX-License-Identifier: Apache-2.0
// Made by tests/oracles/unicode_classes.py; do not edit.
// clang-format off
#include "quant/unicode.h\"""")
define("letters", "L")
define("numbers", "N")
