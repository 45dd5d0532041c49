#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Settlement worked out from spec/protocol.md (P-66 to P-72) with Python's integers and fractions.

  settlement.py record|check FILE    writes the vectors, or makes them afresh and compares
"""
import hashlib
import random
from fractions import Fraction

import common

PPM = 10 ** 6
FEE_MAX = 2 ** 50


def sha(data):
    return hashlib.sha256(data).digest()


def dataset_id(index):
    return sha(f"set {index}".encode())


def share(amount, ppm):
    return amount * ppm // PPM


def split(fee, params, model, adapter):
    parts = {"burn": share(fee, params["burn_ppm"]), "model": share(fee, model),
             "adapter": share(fee, adapter), "data": share(fee, params["data_ppm"]),
             "validators": share(fee, params["validators_ppm"])}
    parts["provider"] = fee - sum(parts.values())
    return parts


def divide(pool, weights, whole):
    """Largest remainder; what nobody claims stands last and is not in the result."""
    claims = weights + [whole - sum(weights)]
    exact = [Fraction(pool * claim, whole) for claim in claims]
    parts = [int(value) for value in exact]
    order = sorted(range(len(claims)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[:pool - sum(parts)]:
        parts[i] += 1
    assert sum(parts) == pool
    return parts[:-1]


def random_params(rng):
    while True:
        params = {"burn_ppm": rng.choice([0, 50000, 333333]),
                  "data_ppm": rng.choice([0, 250000, 123457]),
                  "validators_ppm": rng.choice([0, 100000, 77777]),
                  "max_royalty_ppm": rng.choice([0, 150000, 99991])}
        if params["burn_ppm"] + params["data_ppm"] + params["validators_ppm"] \
                + 2 * params["max_royalty_ppm"] <= PPM:
            return params


def splits(rng):
    out = []
    for _ in range(200):
        params = random_params(rng)
        fee = rng.choice([1, 2, 999, 10 ** 6, rng.randint(1, 10 ** 9), rng.randint(1, FEE_MAX)])
        royalties = [rng.choice([0, params["max_royalty_ppm"],
                                 rng.randint(0, params["max_royalty_ppm"])]) for _ in range(2)]
        out.append({"params": params, "fee": str(fee), "royalties": royalties,
                    "parts": {k: str(v) for k, v in split(fee, params, *royalties).items()}})
    return out


def divisions(rng):
    out = []
    for _ in range(300):
        count = rng.randint(1, 12)
        fees = rng.choice([1, 7, 1000, rng.randint(1, 10 ** 12), FEE_MAX])
        whole = rng.choice([fees * PPM, count, 3 * count])
        weights = []
        for _ in range(count):
            left = whole - sum(weights)
            weights.append(rng.choice([left, left // 2, left // count, min(left, 1), 0]))
        pool = rng.choice([0, 1, count, fees, share(fees, 250000), rng.randint(0, fees)])
        if rng.random() < 0.3:  # equal weights: only the order decides
            weights = [whole // (count + 1)] * count
        out.append({"pool": str(pool), "weights": [str(w) for w in weights], "whole": str(whole),
                    "parts": [str(p) for p in divide(pool, weights, whole)]})
    return out


def batches(rng, world, params):
    out = []
    for _ in range(40):
        pairs = [(m, a) for a, (m, _) in enumerate(world["adapters"])]
        pairs += [(m, None) for m in range(len(world["models"]))]
        rows = [(m, a, rng.choice([rng.randint(1, 10 ** 4), rng.randint(10 ** 3, 10 ** 8)]))
                for m, a in rng.sample(pairs, rng.randint(1, len(pairs)))]
        fees = sum(fee for _, _, fee in rows) + 1000
        rows[0] = (rows[0][0], rows[0][1], rows[0][2] + 1000)
        weights, left = {}, fees * PPM
        for d in rng.sample(range(world["datasets"]), rng.randint(0, world["datasets"])):
            weights[d] = rng.choice([left // 3, left // 2, rng.randint(1, max(left // 2, 1)), 1])
            left -= weights[d]
        ordered = sorted(weights, key=dataset_id)
        total = {"burn": 0, "data": 0, "validators": 0, "provider": 0}
        models = [0] * len(world["models"])
        adapters = [0] * len(world["adapters"])
        for m, a, fee in rows:
            royalty = world["adapters"][a][1] if a is not None else 0
            parts = split(fee, params, world["models"][m], royalty)
            models[m] += parts["model"]
            if a is not None:
                adapters[a] += parts["adapter"]
            for name in total:
                total[name] += parts[name]
        shares = divide(total["data"], [weights[d] for d in ordered], fees * PPM)
        datasets = [0] * world["datasets"]
        for d, part in zip(ordered, shares):
            datasets[d] = part
        burned = total["burn"] + total["data"] - sum(shares)
        assert burned + sum(models) + sum(adapters) + sum(datasets) + total["validators"] \
            + total["provider"] == fees
        out.append({"rows": [[m, -1 if a is None else a, fee] for m, a, fee in rows],
                    "weights": [[d, str(weights[d])] for d in sorted(weights)], "fees": fees,
                    "burned": burned, "models": models, "adapters": adapters,
                    "datasets": datasets, "validators": total["validators"],
                    "provider": total["provider"]})
    return out


def frauds(rng):
    out = []
    for _ in range(100):
        samples = rng.randint(1, 8)
        caught = rng.randint(1, samples)
        fees = rng.choice([1000, 10 ** 9, rng.randint(1000, FEE_MAX)])
        weight = rng.randint(1, fees * PPM)
        ppm = rng.choice([250000, 0, 123457])
        due = Fraction(weight, PPM) * Fraction(ppm, PPM) * Fraction(samples - caught, samples)
        out.append({"weight": str(weight), "data_ppm": ppm, "samples": samples, "caught": caught,
                    "due": str(int(due))})
    return out


def tree_root(leaves):
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return sha(b"\0" + leaves[0])
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha(b"\1" + tree_root(leaves[:half]) + tree_root(leaves[half:]))


def trees(rng):
    out = []
    for count in [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 100]:
        entries = set()
        while len(entries) < count:
            entries.add((sha(rng.randbytes(4))[:20], rng.randint(1, 5)))
        rows = [(a, r, rng.choice([1, 2 ** 62, rng.randint(1, 10 ** 12)]))
                for a, r in sorted(entries)]
        leaves = [a + bytes([r]) + n.to_bytes(8, "big") for a, r, n in rows]
        rng.shuffle(rows)
        out.append({"payouts": [[a.hex(), r, str(n)] for a, r, n in rows],
                    "root": tree_root(leaves).hex()})
    return out


def document():
    rng = random.Random(20)
    params = {"burn_ppm": 50000, "data_ppm": 250000, "validators_ppm": 100000}
    world = {"models": [100000, 0, 150000], "datasets": 6,
             "adapters": [[0, 50000], [0, 149999], [1, 0], [2, 150000]]}
    about = "made by tests/oracles/settlement.py from the rules in spec/protocol.md"
    return common.rows({"about": about, "world": world},
                       {"splits": splits(rng), "divisions": divisions(rng),
                        "batches": batches(rng, world, params), "frauds": frauds(rng),
                        "trees": trees(rng)})


if __name__ == "__main__":
    common.main(document)
