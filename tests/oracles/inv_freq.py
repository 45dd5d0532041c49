# SPDX-License-Identifier: Apache-2.0
"""The vectors of tests/vectors/inv_freq.json: theta^(-2i/head size) by mpmath, rounded to binary64.

    inv_freq.py record|check tests/vectors/inv_freq.json
"""
import hashlib
import json
import struct
import sys

import mpmath

assert mpmath.__version__ == "1.3.0"
THETAS = [1.0, 1.5, 2.0, 10000.0, 10000.1, 31337.0, 500000.0, 1e6, 8e6, 1e9, 2.0**39 + 1, 2.0**40]
HEAD_SIZES = [2, 6, 32, 64, 80, 96, 100, 128, 254, 256]


def make():
    rows = []
    with mpmath.workprec(300):
        # float() of an mpf rounds once, to nearest.
        for theta in THETAS:
            for size in HEAD_SIZES:
                values = [float(mpmath.power(mpmath.mpf(theta), mpmath.mpf(-2 * i) / size))
                          for i in range(size // 2)]
                packed = struct.pack(f"<{len(values)}d", *values)
                rows.append({"theta": theta, "head_size": size,
                             "sha256": hashlib.sha256(packed).hexdigest()})
    return {"about": "by tests/oracles/inv_freq.py, mpmath 1.3.0", "rows": rows}


if __name__ == "__main__":
    mode, path = sys.argv[1:]
    if mode == "record":
        with open(path, "w", encoding="ascii") as out:
            json.dump(make(), out, indent=0)
            out.write("\n")
    else:
        same = json.load(open(path, encoding="ascii")) == make()
        print("same" if same else "different")
        sys.exit(not same)
