#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws worked out from spec/protocol.md (P-45, P-47, P-49 to P-51) without the ledger's code.

  draws.py record|check FILE    writes the vectors, or makes them afresh and compares
"""
import hashlib
import itertools
import random

import common


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u32(value):
    return value.to_bytes(4, "big")


def number(digest, start=0):
    return int.from_bytes(digest[start:start + 8], "big")


def position(beacon, batch, sample, fees):
    return number(sha(b"sample", beacon, batch, u32(sample))) * fees // 2 ** 64


def draw(voters, want, beacon, batch, sample, turn):
    left = list(range(len(voters)))
    picked = []
    for slot in range(min(want, len(voters))):
        total = sum(voters[i] for i in left)
        digest = sha(b"draw", beacon, batch, u32(sample), bytes([turn]), u32(slot))
        at = number(digest) * total // 2 ** 64
        for i in left:
            if at < voters[i]:
                break
            at -= voters[i]
        left.remove(i)
        picked.append(i)
    return sorted(picked)


def probe(beacon, batch, sample, layers, prompt, output):
    digest = sha(b"probe", beacon, batch, u32(sample))
    return [number(digest) % layers, number(digest, 8) % (prompt + max(output, 1) - 1)]


def step(powers, targets, ppm):
    if sum(targets) == 0:
        return list(powers)
    gaps = [target - power for power, target in zip(powers, targets)]
    change = sum(map(abs, gaps))
    limit = min(change, max(1, sum(powers) * ppm // 10 ** 6))
    if change == 0:
        return list(powers)
    moves = [abs(gap) * limit // change for gap in gaps]
    left = limit - sum(moves)
    for i in sorted(range(len(gaps)), key=lambda i: (gaps[i] < 0, i)):
        if left > 0 and moves[i] < abs(gaps[i]):
            moves[i] += 1
            left -= 1
    return [power + (move if gap > 0 else -move) for power, move, gap in zip(powers, moves, gaps)]


def document():
    rng = random.Random(45)
    samples, draws, steps, beacons = [], [], [], []
    for _ in range(100):
        beacon, batch = rng.randbytes(32), rng.randbytes(32)
        sample, fees = rng.choice([0, 1, 2, 63]), rng.choice([1, 1000, rng.randint(1, 2 ** 50)])
        shape = [rng.randint(1, 80), rng.choice([1, rng.randint(1, 9999)]),
                 rng.choice([0, 1, rng.randint(0, 999)])]
        samples.append({"beacon": beacon.hex(), "batch": batch.hex(), "sample": sample,
                        "fees": str(fees), "position": str(position(beacon, batch, sample, fees)),
                        "shape": shape, "probe": probe(beacon, batch, sample, *shape)})
    for _ in range(100):
        beacon, batch = rng.randbytes(32), rng.randbytes(32)
        count = rng.choice([0, 1, 2, 3, 10, 256])
        top = rng.choice([3, 10 ** 15])  # small ones meet every boundary
        voters = [rng.choice([top, rng.randint(1, top)]) for _ in range(count)]
        want, sample, turn = rng.choice([1, 2, 3, 16]), rng.randint(0, 63), rng.randint(0, 1)
        draws.append({"beacon": beacon.hex(), "batch": batch.hex(), "sample": sample, "turn": turn,
                      "bonds": [str(v) for v in voters], "want": want,
                      "picked": draw(voters, want, beacon, batch, sample, turn)})
    for _ in range(200):
        count = rng.randint(1, 12)
        powers = [rng.choice([0, 1, 10, rng.randint(0, 10 ** 9)]) for _ in range(count)]
        powers[0] = max(powers[0], 1)
        targets = [rng.choice([0, power, rng.randint(0, 10 ** 9)]) for power in powers]
        ppm = rng.choice([166666, 1, 10 ** 6])
        steps.append({"powers": powers, "targets": targets, "ppm": ppm,
                      "after": step(powers, targets, ppm)})
    for old, new in itertools.product([1, 2, 6, 10, 50], [10, 100]):  # hand-overs, where ones count
        for powers, targets in [([old, 0], [0, new]), ([0, old], [new, 0])]:
            steps.append({"powers": powers, "targets": targets, "ppm": 166666,
                          "after": step(powers, targets, 166666)})
    genesis = rng.randbytes(32)
    value = sha(b"beacon", genesis)
    for height in range(40):
        preimage = rng.choice([b"", rng.randbytes(32)])
        if height > 0:
            value = sha(value, preimage)
        beacons.append({"preimage": preimage.hex() if height else "", "value": value.hex()})
    about = "made by tests/oracles/draws.py from the rules in spec/protocol.md"
    return common.rows({"about": about, "genesis": genesis.hex()},
                       {"samples": samples, "draws": draws, "steps": steps, "beacons": beacons})


if __name__ == "__main__":
    common.main(document)
