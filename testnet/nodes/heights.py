#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a cluster's chain looks like, measured through the servers of its nodes. usage:
    heights.py API=RPC…
Prints one document: the height that all nodes have, how many blocks took which round, the time
between blocks in ms (median, 99th percentile, longest), each node's state root at one same height,
and `agree`: at every height all applications answered one app hash, the one the next header
states, and the state roots are one."""
import concurrent.futures
import json
import statistics
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from rpc import Away, Comet, get  # noqa: E402

SAME_SECONDS = 30


def nanoseconds(text):
    """RFC 3339 with up to nine decimals, as CometBFT writes it."""
    whole, _, rest = text.rstrip("Z").partition(".")
    second = datetime.fromisoformat(whole + "+00:00").timestamp()
    return int(second) * 10**9 + int((rest or "0").ljust(9, "0"))


def states_at_one_height(apis):
    """Each node's status, all of the same height: looks until they meet."""
    seen, end = [{} for _ in apis], time.monotonic() + SAME_SECONDS
    with concurrent.futures.ThreadPoolExecutor(len(apis)) as pool:
        while time.monotonic() < end:
            for known, status in zip(seen, pool.map(lambda api: get(f"{api}/v1/status"), apis)):
                known[status["height"]] = status
            common = set.intersection(*(set(known) for known in seen))
            if common:
                return [known[max(common)] for known in seen]
            time.sleep(0.02)
    raise Away(f"no height that all nodes were seen at in {SAME_SECONDS} s")


def blocks_read(comet, first, last):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return dict(zip(range(first, last + 1), pool.map(comet.block, range(first, last + 1))))


def app_hashes_read(comet, first, last):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return dict(zip(range(first, last + 1),
                        pool.map(comet.app_hash_after, range(first, last + 1))))


def disagreements(blocks, hashes):
    """Heights at which a node's application differs from what the next header states."""
    found = []
    for height in sorted(blocks):
        after = blocks.get(height + 1)
        answers = [known[height] for known in hashes if height in known]
        if after is not None:
            answers.append(after["header"]["app_hash"].lower())
        if len(set(answers)) > 1:
            found.append({"height": height, "app_hashes": answers})
    return found


def block_times(blocks):
    """ms between the times of neighbouring headers. The first block states the genesis's time."""
    times = [nanoseconds(blocks[height]["header"]["time"]) for height in sorted(blocks)]
    steps = sorted((b - a) / 1e6 for a, b in zip(times[1:], times[2:]))
    if not steps:
        return {}
    return {"median": round(statistics.median(steps)), "p99": round(steps[len(steps) * 99 // 100]),
            "max": round(steps[-1])}


def rounds(blocks):
    """How many blocks were decided in which round: each header's commit is of the one before."""
    decided = Counter(block["last_commit"]["round"] for height, block in blocks.items()
                      if int(block["last_commit"]["height"]) > 0)
    return {str(number): decided[number] for number in sorted(decided)}


def report(pairs):
    states = states_at_one_height([api for api, _ in pairs])
    comets = [Comet(rpc) for _, rpc in pairs]
    top = min(comet.height() for comet in comets) - 1
    firsts = [comet.first() for comet in comets]
    first = min(firsts)
    blocks = blocks_read(comets[firsts.index(first)], first, top)
    hashes = [app_hashes_read(comet, own, top) for comet, own in zip(comets, firsts)]
    wrong = disagreements(blocks, hashes)
    roots = [state["state_root"] for state in states]
    return {"height": top, "first": firsts, "rounds": rounds(blocks),
            "block_ms": block_times(blocks), "at": states[0]["height"], "state_roots": roots,
            "app_hashes_compared": sum(len(known) for known in hashes),
            "disagreements": wrong[:5], "agree": not wrong and len(set(roots)) == 1}


def main():
    try:
        print(json.dumps(report([word.split("=", 1) for word in sys.argv[1:]])))
    except Away as error:
        sys.exit(f"heights.py: {error}")


if __name__ == "__main__":
    main()
