# SPDX-License-Identifier: Apache-2.0
"""Canonical files are what the safetensors library itself writes for their tensors (F-5).

    safetensors_canonical.py record          the digest in tests/quant/test_canonical.c
    safetensors_canonical.py check PROGRAM   the demo's files, as `assay ... import` makes them
"""
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy
import safetensors
import safetensors.numpy

assert safetensors.__version__ == "0.5.3"
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def record():
    tensors = {
        "b.bytes": numpy.array([1, 2, 3], dtype=numpy.uint8),
        "a.matrix": numpy.array([[1, 2], [3, 4]], dtype=numpy.float32),
        "z.int": numpy.array([-127], dtype=numpy.int8),
        "x.wide": numpy.array([0.5], dtype=numpy.float64),
        "a.empty": numpy.zeros(0, dtype=numpy.float32),
    }
    data = safetensors.numpy.save(tensors, metadata={"format": "test"})
    print(hashlib.sha256(data).hexdigest())


def again(path):
    """Whether the library, given a file's tensors, writes the file."""
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    metadata = json.loads(data[8:8 + length])["__metadata__"]
    return safetensors.numpy.save(safetensors.numpy.load(data), metadata=metadata) == data


def check(program):
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind, name in [("model", "model"), ("adapter", "adapters/doyle"),
                           ("adapter", "adapters/carroll"), ("adapter", "adapters/shakespeare")]:
            source = os.path.join(ROOT, "testnet", name)
            out = os.path.join(folder, kind)
            subprocess.run([program, kind, "import", source, "--out", out], check=True,
                           stdout=subprocess.DEVNULL)
            same = again(out)
            print(name, "same" if same else "different")
            bad += not same
    return bad


if __name__ == "__main__":
    sys.exit(record() if sys.argv[1] == "record" else check(sys.argv[2]))
