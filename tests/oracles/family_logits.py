# SPDX-License-Identifier: Apache-2.0
"""The models of fixtures.py by transformers in f32, on weights that were quantised and back.

    family_logits.py record|check tests/vectors/family_logits.bin

The format is that of logits.py. Their rotary frequencies, biases and norms of heads are the
library's own: what spec/numerics.md says of a family is compared with the family itself."""
import struct

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

import common
import families
import fixtures
import logits

TOP, STRIDE, WINDOWS, WINDOW = 16, 64, 2, 48


def there_and_back(tensors):
    """Linears through q4, embedding and head through q8; the rest as it is."""
    out = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2:
            vocab = "embed_tokens" in name or "lm_head" in name
            q, scale = (families.q8 if vocab else families.q4)(tensor)
            tensor = q.astype(np.float32) * scale[:, None]
        out[name] = torch.from_numpy(tensor.copy())
    return out


def model_open(fields):
    config = AutoConfig.for_model(**fields)
    if not getattr(config, "use_sliding_window", True):
        # This version's layers look at use_sliding_window, its mask for eager attention does not.
        config.sliding_window = None
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    left = model.load_state_dict(there_and_back(fixtures.tensors(fields)), strict=False)
    assert not left.unexpected_keys and set(left.missing_keys) <= {"lm_head.weight"}, left
    model.tie_weights()
    ours = np.array(families.inv_freq(fields))
    theirs = model.model.rotary_emb.inv_freq.double().numpy()
    assert np.abs(theirs / ours - 1).max() < 1e-5, (ours, theirs)
    return model


def make():
    torch.manual_seed(0)
    ids = np.array([(i * 911 + i * i * 7 + 3) % 2048 for i in range(WINDOWS * WINDOW)])
    windows = ids.reshape(WINDOWS, WINDOW)
    out = [b"ASLOGIT1", struct.pack("<6I", 2048, WINDOW, WINDOWS, TOP, STRIDE,
                                    len(fixtures.MODELS)), windows.astype("<u2").tobytes()]
    for name, fields in fixtures.MODELS.items():
        log_p = logits.log_probabilities(model_open(fields), windows)
        out += [name.encode().ljust(16, b"\0"), logits.rows_pack(log_p, WINDOW, TOP, STRIDE)]
    return b"".join(out)


if __name__ == "__main__":
    common.main(make, logits.agree)
