#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Correctly rounded f32 sines and cosines of binary64 angles, by mpmath.

  rope_angles.py record OUT.json    writes the vectors (tests/vectors/rope_angles.json)
  rope_angles.py check PROGRAM      10^6 random and 10^5 hard angles for quant_test_rope

Random angles follow from the seed by splitmix64 on both sides; only a SHA-256 for each 256 of them
is kept (cos f32, then sin f32, little-endian). Hard angles are written out: binary64 nearest to
multiples of pi/2, and binary64 whose sine or cosine lies next to the midpoint of two f32.
"""
import hashlib
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

import mpmath
from mpmath import mp, mpf

assert mpmath.__version__ == "1.3.0", mpmath.__version__
mp.prec = 320
BLOCK = 256


def nearest_f32(value):
    """The f32 nearest to an mpf that is no midpoint (0 and +-1 are exact)."""
    if value == 0:
        return struct.pack("<f", 0.0)
    sign, mantissa, exponent, bits = mpf(value)._mpf_
    drop = bits - 24
    if drop > 0:
        rest = mantissa & ((1 << drop) - 1)
        assert rest != 1 << (drop - 1), "a midpoint"
        mantissa = (int(mantissa) >> drop) + (rest > 1 << (drop - 1))
        exponent += drop
    return struct.pack("<f", (-1) ** sign * int(mantissa) * 2.0**exponent)


def answers(angles):
    cos = b"".join(nearest_f32(mp.cos(mpf(a))) for a in angles)
    sin = b"".join(nearest_f32(mp.sin(mpf(a))) for a in angles)
    return cos, sin


def splitmix64(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & (2**64 - 1)
        z = state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & (2**64 - 1)
        yield z ^ z >> 31


def random_angles(seed, count):
    """2^-60 <= angle < 2^14, every binade alike."""
    for _, word in zip(range(count), splitmix64(seed)):
        fraction, exponent = word & (2**52 - 1), -60 + (word >> 52) % 74
        yield (1 + fraction * 2.0**-52) * 2.0**exponent


def hard_angles(seed, count):
    source = random.Random(seed)
    for i in range(count):
        if i % 3 == 0:
            yield float(source.randrange(1, 10430) * mp.pi / 2)
            continue
        middle = mpf(2 * source.randrange(2**23, 2**24) + 1) / 2**25 / 2 ** source.randrange(6)
        turn = 2 * mp.pi * source.randrange(2000)
        yield float((mp.asin if i % 3 == 1 else mp.acos)(middle) + turn)


def record(path, seed, random_count, hard_count):
    angles = list(random_angles(seed, random_count // BLOCK * BLOCK))
    blocks = [hashlib.sha256(b"".join(answers(angles[i:i + BLOCK]))).hexdigest()
              for i in range(0, len(angles), BLOCK)]
    hard = list(hard_angles(seed, hard_count))
    cos, sin = answers(hard)
    recorded = {
        "about": "made by tests/oracles/rope_angles.py with mpmath 1.3.0",
        "seed": str(seed),
        "block": BLOCK,
        "blocks_sha256": blocks,
        "hard": {
            "angles_f64": struct.pack("<%dd" % len(hard), *hard).hex(),
            "cos": cos.hex(),
            "sin": sin.hex(),
        },
    }
    with open(path, "w", encoding="ascii") as file:
        json.dump(recorded, file, indent=1)
        file.write("\n")


def check(program):
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/angles.json"
        record(path, seed, 10**6, 10**5)
        environment = dict(os.environ, ASSAY_ROPE_ANGLES=path)
        return subprocess.run([program], env=environment, check=False).returncode


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "record":
        record(sys.argv[2], 1, 16384, 768)
    elif len(sys.argv) == 3 and sys.argv[1] == "check":
        sys.exit(check(sys.argv[2]))
    else:
        sys.exit("usage: rope_angles.py record OUT.json | check PROGRAM")


if __name__ == "__main__":
    main()
