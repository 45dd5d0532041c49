# SPDX-License-Identifier: Apache-2.0
"""Makes quant/tokenizer/unicode.c: Unicode 14.0's letters and numbers as PCRE2 class texts.

    unicode_classes.py record|check quant/tokenizer/unicode.c     (Python 3.11 has Unicode 14.0)
"""
import sys
import unicodedata

import common


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
    body = "\n".join(f'    "{part}"' for part in out)
    return f"\nconst char assay_unicode_{name}[] =\n{body};\n"


def make():
    head = """// SPDX-License-Identifier: Apache-2.0
// Made by tests/oracles/unicode_classes.py; do not edit.
// clang-format off
#include "quant/tokenizer/unicode.h"
"""
    return head + define("letters", "L") + define("numbers", "N")


if __name__ == "__main__":
    if unicodedata.unidata_version != "14.0.0":
        print("skipped: this Python has Unicode", unicodedata.unidata_version)
        sys.exit(77)
    common.main(make)
