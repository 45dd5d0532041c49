# SPDX-License-Identifier: Apache-2.0
"""What the safetensors library writes for the tensors of tests/quant/test_canonical.c.

pip install safetensors==0.4.5 numpy; python tests/oracles/safetensors_canonical.py
With a canonical model or adapter file as argument: checks that the library makes its bytes again.
"""
import hashlib
import json
import struct
import sys

import numpy
import safetensors.numpy

if len(sys.argv) > 1:
    original = open(sys.argv[1], "rb").read()
    length = struct.unpack("<Q", original[:8])[0]
    metadata = json.loads(original[8:8 + length])["__metadata__"]
    again = safetensors.numpy.save(safetensors.numpy.load(original), metadata=metadata)
    print("same" if again == original else "different")
    sys.exit(again != original)

tensors = {
    "b.bytes": numpy.array([1, 2, 3], dtype=numpy.uint8),
    "a.matrix": numpy.array([[1, 2], [3, 4]], dtype=numpy.float32),
    "z.int": numpy.array([-127], dtype=numpy.int8),
    "x.wide": numpy.array([0.5], dtype=numpy.float64),
    "a.empty": numpy.zeros(0, dtype=numpy.float32),
}
data = safetensors.numpy.save(tensors, metadata={"format": "test"})
print(hashlib.sha256(data).hexdigest())
