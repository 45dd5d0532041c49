# SPDX-License-Identifier: Apache-2.0
"""spec/numerics.md once more, in numpy, for the models of fixtures.py: biases, norms of heads,
rotary scaling, q4 embeddings and heads, adapters under biases.

    families.py record|check tests/vectors/families.json
"""
import hashlib

import mpmath
import numpy as np

import common
import fixtures
from fixtures import F, LINEARS
from inv_freq import frequencies, scaled

NF4 = np.array([0xbf800000, 0xbf3239b1, 0xbf066b30, 0xbeca32a0, 0xbe91a24d, 0xbe3d353f,
                0xbdba7871, 0x00000000, 0x3da2faff, 0x3e24cae3, 0x3e7c04dd, 0x3ead033a,
                0x3ee1a4b8, 0x3f1007ab, 0x3f3913b3, 0x3f800000], dtype=np.uint32).view(F)
# (model, embedding and head as q4, adapter)
CASES = [("llama3", False, False), ("linear", False, False), ("mistral", False, False),
         ("qwen2", False, False), ("qwen2", True, False), ("qwen2", False, True),
         ("qwen3", False, False), ("qwen3", True, True)]


def nf4_table():
    """T[ratio][code], N-4."""
    fine = np.rint(NF4 * F(127) * F(16)).astype(np.int64)
    product = np.arange(256)[:, None] * fine[None, :]
    return np.sign(product) * ((2 * np.abs(product) + 4080) // 8160)


TABLE = nf4_table()


def q4(weight):
    """N-5: the integers T[r][c], and the scales."""
    rows, width = weight.shape
    blocks = weight.reshape(rows, width // 64, 64)
    block_max = np.abs(blocks).max(axis=2)
    row_max = block_max.max(axis=1, keepdims=True)
    assert weight.dtype == F and (row_max > 0).all()
    ratio = np.rint((block_max * F(255)) / row_max)
    ratio = np.where((ratio == 0) & (block_max > 0), F(1), ratio).astype(F)
    assert (ratio > 0).all()
    scaled = blocks / ((ratio * row_max) / F(255))[:, :, None]
    code = np.searchsorted((NF4[:-1] + NF4[1:]) * F(0.5), scaled, side="left")
    return TABLE[ratio.astype(np.int64)[:, :, None], code].reshape(rows, width), \
        (row_max / F(127))[:, 0]


def quantised(x, limit):
    """N-6, N-7, by rows."""
    top = np.abs(x).max(axis=-1, keepdims=True)
    assert x.dtype == F and np.isfinite(x).all() and (top >= F(2.0**-96)).all()
    q = np.clip(np.rint(x * (F(limit) / top)), -limit, limit).astype(np.int64)
    return q, (top / F(limit))[..., 0]


def q8(x):
    return quantised(x, 127)


def x16(x):
    return quantised(x, 32767)


def product(x, w):
    """N-8, every row of x with every row of w."""
    (qx, sx), (qw, sw) = x, w
    return (qx @ qw.T).astype(F) * (sx[:, None] * sw[None, :])


def exp(x):
    """N-11"""
    z = np.clip(x, F(-87), F(88))
    n = np.rint(z * F(1.44269504))
    g = (z - n * F(0.693359375)) - n * F(-2.12194440e-4)
    p = F(1.9875691500e-4)
    for c in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1):
        p = p * g + F(c)
    y = ((p * (g * g) + g) + F(1)) * np.ldexp(F(1), n.astype(np.int64)).astype(F)
    return np.where(x < F(-87), F(0), y).astype(F)


def norm(x, w, eps):
    """N-12, by rows."""
    q, s = x16(x)
    mean = ((q * q).sum(axis=-1).astype(F) * (s * s)) / F(x.shape[-1])
    r = F(1) / np.sqrt(mean + eps)
    return (x * r[..., None]) * w


def inv_freq(config):
    """N-10, N-22"""
    scaling = config.get("rope_scaling") or {}
    return [scaled(f, scaling)
            for f in frequencies(config["rope_theta"], fixtures.head_size(config))]


def nearest_f32(x):
    """An mpf to binary32 in one rounding; a tie would need an exact binary fraction."""
    near = F(float(x))
    around = [np.nextafter(near, F(-2)), near, np.nextafter(near, F(2))]
    return min(around, key=lambda c: abs(mpmath.mpf(float(c)) - x))


def rope_table(config, count):
    """N-10: cos and sin, [position][i]."""
    with mpmath.workprec(200):
        angles = [[mpmath.mpf(p * f) for f in inv_freq(config)] for p in range(count)]
        return [np.array([[nearest_f32(f(a)) for a in row] for row in angles], dtype=F)
                for f in (mpmath.cos, mpmath.sin)]


def rotate(x, cos, sin):
    """x [position][head][size]"""
    low, high = np.split(x, 2, axis=2)
    c, s = cos[:, None, :], sin[:, None, :]
    return np.concatenate([low * c - high * s, high * c + low * s], axis=2)


def attention(q, k, v):
    """N-13, [position][head][size] each."""
    count, heads, size = q.shape
    share = heads // k.shape[1]
    rs = F(1) / np.sqrt(F(size))
    (qq, sq), (qk, sk), (qv, sv) = x16(q), q8(k), q8(v)
    out = np.empty_like(q)
    for p in range(count):
        for h in range(heads):
            g, t = h // share, slice(0, p + 1)
            score = (qk[t, g] @ qq[p, h]).astype(F) * ((sq[p, h] * sk[t, g]) * rs)
            e = exp(score - score.max())
            z = np.rint(e * F(2.0**24)).astype(np.int64).sum()
            w, sw = x16((e * sv[t, g])[None, :])
            out[p, h] = ((w[0] @ qv[t, g]).astype(F) * sw[0]) / (z.astype(F) * F(2.0**-24))
    return out


class Model:
    def __init__(self, config, vocab_q4, adapted):
        self.config, self.adapted = config, adapted
        self.eps = F(config["rms_norm_eps"])
        self.tensors = fixtures.tensors(config)
        vocab = q4 if vocab_q4 else q8
        self.embedding = vocab(self.tensors["model.embed_tokens.weight"])
        self.head = self.embedding
        if not config["tie_word_embeddings"]:
            self.head = vocab(self.tensors["lm_head.weight"])

    def linear(self, layer, name, x):
        """N-9"""
        at = f"model.layers.{layer}.{LINEARS[name]}.{name}."
        y = product(x, q4(self.tensors[at + "weight"]))
        if self.adapted and name in fixtures.ADAPTED:
            a, b = fixtures.adapter_pair(self.config, layer, name)
            scale = F(fixtures.ALPHA / fixtures.RANK)
            y = y + product(x16(product(x, q8(a))), q8(b)) * scale
        if at + "bias" in self.tensors:
            y = y + self.tensors[at + "bias"]
        return y

    def heads(self, layer, name, x):
        """A linear's output by heads, N-21 applied."""
        y = self.linear(layer, name + "_proj", x)
        y = y.reshape(len(y), -1, fixtures.head_size(self.config))
        weights = self.tensors.get(f"model.layers.{layer}.self_attn.{name}_norm.weight")
        return y if weights is None else norm(y, weights, self.eps)

    def logits(self, ids):
        """N-15"""
        cos, sin = rope_table(self.config, len(ids))
        table, scales = self.embedding
        x = table[ids].astype(F) * scales[ids][:, None]
        for layer in range(self.config["num_hidden_layers"]):
            at = f"model.layers.{layer}."
            h = x16(norm(x, self.tensors[at + "input_layernorm.weight"], self.eps))
            q, k = (rotate(self.heads(layer, n, h), cos, sin) for n in "qk")
            o = attention(q, k, self.heads(layer, "v", h)).reshape(len(ids), -1)
            x = x + self.linear(layer, "o_proj", x16(o))
            h = x16(norm(x, self.tensors[at + "post_attention_layernorm.weight"], self.eps))
            g, u = (self.linear(layer, n, h) for n in ("gate_proj", "up_proj"))
            a = (g / (F(1) + exp(-g))) * u
            x = x + self.linear(layer, "down_proj", x16(a))
        return product(x16(norm(x, self.tensors["model.norm.weight"], self.eps)), self.head)


def make():
    rows = []
    for name, vocab_q4, adapted in CASES:
        logits = Model(fixtures.MODELS[name], vocab_q4, adapted).logits(fixtures.IDS)
        assert logits.dtype == F and np.isfinite(logits).all()
        rows.append({"name": name, "config": fixtures.MODELS[name], "vocab_q4": vocab_q4,
                     "adapted": adapted, "ids": fixtures.IDS,
                     "logits_sha256": hashlib.sha256(logits.tobytes()).hexdigest()})
    return {"about": "by tests/oracles/families.py, numpy and mpmath", "models": rows}


if __name__ == "__main__":
    common.main(lambda: common.spread(make()))
