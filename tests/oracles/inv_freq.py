# SPDX-License-Identifier: Apache-2.0
"""The vectors of tests/vectors/inv_freq.json: theta^(-2i/head size) by mpmath, rounded to binary64,
and scaled in Python's binary64 (N-22).

    inv_freq.py record|check tests/vectors/inv_freq.json
"""
import hashlib
import struct

import mpmath

import common

assert mpmath.__version__ == "1.3.0"
THETAS = [1.0, 1.5, 2.0, 10000.0, 10000.1, 31337.0, 500000.0, 1e6, 8e6, 1e9, 2.0**39 + 1, 2.0**40]
HEAD_SIZES = [2, 6, 32, 64, 80, 96, 100, 128, 254, 256]


def llama3(factor, low, high, context):
    return {"rope_type": "llama3", "factor": factor, "low_freq_factor": low,
            "high_freq_factor": high, "original_max_position_embeddings": context}


# Those of Llama 3.1 and 3.2, then odd ones.
SCALED = [(500000.0, 128, llama3(8.0, 1.0, 4.0, 8192)),
          (500000.0, 64, llama3(32.0, 1.0, 4.0, 8192)),
          (10000.1, 96, llama3(7.3, 0.7, 3.9, 511)), (1e6, 256, llama3(1048576.0, 0.001, 1e6, 1)),
          (10000.0, 64, {"rope_type": "linear", "factor": 4.0}),
          (31337.0, 100, {"rope_type": "linear", "factor": 1.7})]


def frequencies(theta, size):
    """float() of an mpf rounds once, to nearest."""
    with mpmath.workprec(300):
        return [float(mpmath.power(mpmath.mpf(theta), mpmath.mpf(-2 * i) / size))
                for i in range(size // 2)]


def scaled(f, scaling):
    """N-22 for one frequency, in transformers' order."""
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if kind == "linear":
        return f / scaling["factor"]
    if kind == "default":
        return f
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    context = scaling["original_max_position_embeddings"]
    wavelength = 2 * float(mpmath.pi) / f
    if wavelength < context / high:
        return f
    if wavelength > context / low:
        return f / scaling["factor"]
    smooth = (context / wavelength - low) / (high - low)
    return (1 - smooth) * f / scaling["factor"] + smooth * f


def digest(values):
    return hashlib.sha256(struct.pack(f"<{len(values)}d", *values)).hexdigest()


def make():
    rows = [{"theta": theta, "head_size": size, "sha256": digest(frequencies(theta, size))}
            for theta in THETAS for size in HEAD_SIZES]
    more = [{"theta": theta, "head_size": size, "rope_scaling": scaling,
             "sha256": digest([scaled(f, scaling) for f in frequencies(theta, size)])}
            for theta, size, scaling in SCALED]
    return {"about": "by tests/oracles/inv_freq.py, mpmath 1.3.0", "rows": rows, "scaled": more}


if __name__ == "__main__":
    common.main(lambda: common.spread(make()))
