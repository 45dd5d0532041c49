#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""State-tree vectors by an implementation that shares nothing with ledger/ (spec P-82, P-83).

  smt_vectors.py record|check FILE
      tests/vectors/smt.json: a tree of 300 keys, with proofs in the form of ICS-23: existence, and
      absence by neighbours
The live run hands the same proofs to ICS-23's own verifier (tests/oracles/ics23.mjs).
"""
import hashlib

import common

EMPTY = bytes(32)


def sha(data):
    return hashlib.sha256(data).digest()


def bit(path, index):
    return path[index // 8] >> (7 - index % 8) & 1


def leaf_hash(key, value):
    return sha(b"\0" + sha(key) + sha(value))


def tree_root(items, depth=0):
    """items: {path: leaf hash}"""
    if len(items) < 2:
        return next(iter(items.values()), EMPTY)
    sides = [{p: h for p, h in items.items() if bit(p, depth) == b} for b in (0, 1)]
    return sha(b"\1" + tree_root(sides[0], depth + 1) + tree_root(sides[1], depth + 1))


def siblings_of(items, path):
    found, depth = [], 0
    while len(items) > 1:
        mine = {p: h for p, h in items.items() if bit(p, depth) == bit(path, depth)}
        other = {p: h for p, h in items.items() if bit(p, depth) != bit(path, depth)}
        found.append(tree_root(other, depth + 1))
        items, depth = mine, depth + 1
    return found[::-1]


def existence_root(proof):
    key, value = bytes.fromhex(proof["key"]), bytes.fromhex(proof["value"])
    node, count = leaf_hash(key, value), len(proof["siblings"])
    for i, text in enumerate(proof["siblings"]):
        other = bytes.fromhex(text)
        right = bit(sha(key), count - 1 - i)
        node = sha(b"\1" + (other + node if right else node + other))
    return node


def case(name, root, key, value, proofs):
    for proof in proofs:
        assert proof is None or existence_root(proof) == root, name
    return {"name": name, "root": root.hex(), "key": key.hex(),
            "value": None if value is None else value.hex(),
            "proofs": proofs}


def own_vectors():
    state = {b"account-%d" % i: b"balance of %d" % (i * i) for i in range(300)}
    paths = {sha(k): leaf_hash(k, v) for k, v in state.items()}
    order = sorted(state, key=sha)
    root = tree_root(paths)

    def existence(key):
        return {"key": key.hex(), "value": state[key].hex(),
                "siblings": [s.hex() for s in siblings_of(paths, sha(key))]}

    cases = [case(name, root, key, state[key], [existence(key)])
             for name, key in (("exist left", order[0]), ("exist middle", order[150]),
                               ("exist right", order[-1]))]
    absent = [b"nobody-%d" % i for i in range(4000)]
    left = min(absent, key=sha)
    right = max(absent, key=sha)
    assert sha(left) < sha(order[0]) and sha(right) > sha(order[-1])
    cases.append(case("absent left", root, left, None, [None, existence(order[0])]))
    cases.append(case("absent right", root, right, None, [existence(order[-1]), None]))
    for key in absent[:24]:
        before = [k for k in order if sha(k) < sha(key)]
        after = [k for k in order if sha(k) > sha(key)]
        cases.append(case("absent " + key.decode(), root, key, None,
                          [existence(before[-1]) if before else None,
                           existence(after[0]) if after else None]))
    one = {sha(b"only"): leaf_hash(b"only", b"one")}
    only = {"key": b"only".hex(), "value": b"one".hex(), "siblings": []}
    cases.append(case("a single leaf", tree_root(one), b"only", b"one", [only]))
    cases.append(case("beside a single leaf", tree_root(one), b"other", None,
                      [only if sha(b"only") < sha(b"other") else None,
                       only if sha(b"only") > sha(b"other") else None]))
    return {"source": "tests/oracles/smt_vectors.py", "cases": cases}


if __name__ == "__main__":
    common.main(lambda: common.spread(own_vectors(), 1))
