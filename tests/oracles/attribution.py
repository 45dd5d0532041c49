#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The vectors of tests/vectors/attribution.json: spec/attribution.md done the slow way.

Every rule is computed from its definition, with big integers, fractions and exhaustive search, and
shares no method with the C code: no suffix array, no sweep, no fixed-point logarithm.
Python's standard library only.

    attribution.py record|check FILE    writes the vectors, or makes them afresh and compares
"""
import hashlib
import math
import os
import random
from fractions import Fraction

import common

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


#
def chunks_of(text):
    chunks = []
    while len(text) > 4096:
        sizes = [n for n in range(2049, 4097) if text[n - 1] == 0x0A]
        if not sizes:
            sizes = [n for n in range(4090, 4097) if not 0x80 <= text[n] <= 0xBF]
        chunks.append(text[: max(sizes)])
        text = text[max(sizes):]
    return chunks + [text]


def tree_of(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree_of(leaves[:k]) + tree_of(leaves[k:])).digest()


def corpus_vector(text, **source):
    chunks = chunks_of(text)
    assert b"".join(chunks) == text and all(c.decode() is not None for c in chunks)
    leaves = [hashlib.sha256(b"\0" + c).digest() for c in chunks]
    return {**source, "bytes": len(text), "chunks": len(chunks), "root": tree_of(leaves).hex(),
            "sizes": [len(c) for c in chunks[:4]]}


def corpora():
    out = []
    for name in ("carroll", "doyle", "shakespeare"):
        path = f"testnet/data/{name}.txt"
        with open(os.path.join(ROOT, path), "rb") as file:
            out.append(corpus_vector(file.read(), file=path))
    for unit, count in [("a", 1), ("a", 4096), ("a", 4097), ("a", 12289), ("é", 2048), ("aé", 4000),
                        ("\u4f60", 5000), ("x\U0001F600", 3000), ("\n", 9000),
                        ("a" * 2047 + "\n", 5), ("a" * 2048 + "\n", 5), ("a" * 4095 + "\n", 3),
                        ("a" * 4096 + "\n", 3), ("é" * 1500 + "\n", 4),
                        ("a" * 2047 + "\n" + "b" * 3000, 2), ("a" * 3000 + "\n" + "b" * 1095, 1),
                        ("\U0001F600" * 1100, 3)]:
        out.append(corpus_vector((unit * count).encode(), unit=unit, repeat=count))
    return out


#
def log2_x256(x):
    return (x ** 256).bit_length() - 1


def thresholds():
    """The least x in [2^62, 2^63) with log2_x256(x) - 62 * 256 >= k, k = 1 .. 255."""
    out = []
    for k in range(1, 256):
        root = 1 << (62 * 256 + k)
        for _ in range(8):
            root = math.isqrt(root)
        assert log2_x256(root) < 62 * 256 + k <= log2_x256(root + 1)
        out.append(str(root + 1))
    return out


#
def places(run, sequence):
    return [p for p in range(len(sequence) - len(run) + 1) if sequence[p:p + len(run)] == run]


def covered(output, sequence, m):
    out = set()
    for i in range(len(output) - m + 1):
        if places(output[i:i + m], sequence):
            out |= set(range(i, i + m))
    return out


#
def reach(output, i, sequence):
    length = 0
    while length < 256 and i + length < len(output) and \
            places(output[i:i + length + 1], sequence):
        length += 1
    return length


def spans_of(output, owned, sequence, m):
    spans, done = [], set()
    for j in sorted(owned):
        if j in done:
            continue
        reaches = {i: reach(output, i, sequence) for i in range(j + 1)}
        reaches = {i: r for i, r in reaches.items() if r >= m}
        far = max(i + r for i, r in reaches.items())
        i = min(i for i, r in reaches.items() if i + r == far)
        end = j
        while end < far and end in owned:
            end += 1
        place = min(places(output[i:far], sequence), key=lambda p: sequence[p:])
        done |= set(range(j, end))
        position = place + j - i
        if spans and sum(spans[-1][:2]) == j and spans[-1][2] + spans[-1][1] == position:
            spans[-1][1] += end - j
        else:
            spans.append([j, end - j, position])
    return spans


#
def divide(total, claims):
    """claims: {id: weight}"""
    whole = sum(claims.values())
    if whole == 0:
        return {name: 0 for name in claims}
    exact = {name: Fraction(total * weight, whole) for name, weight in claims.items()}
    parts = {name: math.floor(part) for name, part in exact.items()}
    ranking = sorted(claims, key=lambda name: (parts[name] - exact[name], name))
    for name in ranking[: total - sum(parts.values())]:
        parts[name] += 1
    return parts


#
def shares_of(credits, lineage):
    halves = (500000, 500000)
    if not any(credits.values()) or not any(lineage.values()):
        halves = (1000000, 1000000)
    a, b = divide(halves[0], credits), divide(halves[1], lineage)
    return [[name, a[name] + b[name]] for name in sorted(credits) if a[name] + b[name]]


def attribute(case):
    m, prompt, output, sources = case["min"], case["prompt"], case["output"], case["sources"]
    free = set(range(len(output)))
    echo = covered(output, prompt, m)
    free -= echo
    pooled = [t for s in sources for t in s["tokens"]]
    spans, credits = [], {}
    for place, source in enumerate(sources):
        owned = free & covered(output, source["tokens"], m)
        free -= owned
        surprise = {j: log2_x256(len(pooled)) - log2_x256(pooled.count(output[j])) for j in owned}
        credits[source["id"]] = sum(surprise.values())
        for start, length, position in spans_of(output, owned, source["tokens"], m):
            credit = sum(surprise[j] for j in range(start, start + length))
            spans.append([start, length, place, position, credit])
    case["echo"] = len(echo)
    case["spans"] = sorted(spans)
    case["credits"] = [credits[s["id"]] for s in sources]
    case["shares"] = shares_of(credits, {s["id"]: s["lineage"] for s in sources})
    return case


def quote(rng, output, sequence):
    """Adds a run of sequence to output: what makes matches, overlaps and ties likely."""
    if sequence:
        start = rng.randrange(len(sequence))
        output += sequence[start:start + rng.randint(1, 12)]


def random_case(rng):
    letters = rng.choice([1, 2, 3, 4, 8, 8, 300, 300])
    token = lambda: rng.randrange(letters)
    sources = []
    for k in range(rng.choice([0, 1, 2, 2, 3, 3, 4, 6])):
        tokens = [token() for _ in range(rng.choice([0, 1, 5, 20, 40]))]
        for other in sources:  # the same text in several data sets
            if rng.random() < 0.4:
                quote(rng, tokens, other["tokens"])
        name = hashlib.sha256(rng.randbytes(8)).hexdigest()
        sources.append({"id": name, "lineage": rng.choice([0, 1, 333333, 500000, 1000000]),
                        "tokens": tokens})
    prompt, output = [token() for _ in range(rng.choice([0, 0, 3, 10]))], []
    size = rng.choice([1, 10, 30])
    while len(output) < size:
        kind = rng.random()
        if kind < 0.6 and sources:
            quote(rng, output, rng.choice(sources)["tokens"])
        elif kind < 0.65:
            quote(rng, output, prompt)
        output.append(token())
    if rng.random() < 0.2:
        quote(rng, prompt, output)
    return attribute({"min": rng.choice([1, 2, 3, 3, 4, 6]), "prompt": prompt, "output": output,
                      "sources": sources})


def long_case(letters, size):
    """Runs beyond the reach limit of 256, with one and with several occurrences."""
    rng = random.Random(size)
    tokens = [rng.randrange(letters) for _ in range(size)]
    other = tokens[100:300] + [letters] + tokens[20:40]
    prompt = [letters] + tokens[50:60 if letters > 1 else 54]
    return attribute({"min": 6, "prompt": prompt, "output": tokens[:size - 30] + other,
                      "sources": [{"id": "11" * 32, "lineage": 250000, "tokens": other},
                                  {"id": "00" * 32, "lineage": 750000, "tokens": tokens}]})


def limit_case():
    """The first 256 tokens stand twice, all 300 once: the limit on a reach decides the position."""
    rng = random.Random(3)
    run = [rng.randrange(1, 50) for _ in range(300)]
    return attribute({"min": 6, "prompt": [], "output": run,
                      "sources": [{"id": "22" * 32, "lineage": 0,
                                   "tokens": run + [60] + run[:260] + [0]}]})


def divisions():
    rng = random.Random(2)
    out = []
    for _ in range(60):
        top = rng.choice([1, 3, 10, 10 ** 6, 2 ** 31, 2 ** 64 - 1])
        weights = [rng.choice([0, rng.randint(0, top), top]) for _ in range(rng.randint(1, 32))]
        total = rng.choice([1, 7, 500000, 1000000])
        parts = divide(total, {f"{i:02}": weight for i, weight in enumerate(weights)})
        out.append({"total": total, "weights": [str(w) for w in weights],
                    "parts": list(parts.values())})
    return out


def document():
    rng = random.Random(1)
    cases = [random_case(rng) for _ in range(360)]
    cases += [long_case(40, 600), long_case(1, 400), limit_case()]
    about = "made by tests/oracles/attribution.py from the definitions in spec/attribution.md"
    return common.rows({"about": about, "thresholds": thresholds()},
                       {"corpora": corpora(), "divisions": divisions(), "cases": cases})


if __name__ == "__main__":
    common.main(document)
