#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""testnet/cluster with every option that its plain runs leave alone: --validators, --provider,
--seed, --home, --json and --keep, and what each is for. usage: options.py SOURCE_ROOT VERSION"""
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

root, version = Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, str(root / "testnet/nodes"))
from rpc import Away, get  # noqa: E402

VALIDATORS, PROVIDERS, END_SECONDS = 5, 2, 60
FRAUDS = {"altered-token", "wrong-adapter", "inflated-count", "withheld-evidence"}


def results_check(found):
    """--json, --validators, --provider and --seed."""
    supply = dict(found["supply"])
    assert found["seed"] == "options", found["seed"]
    assert supply.pop("genesis") == sum(supply.values()) > 0, found["supply"]
    assert {fraud["kind"] for fraud in found["fraud"] if fraud["caught"]} == FRAUDS, found["fraud"]
    paid = [line for line in found["payouts"] if line["role"] == "provider"]
    assert len(paid) == PROVIDERS and all(line["nopen"] > 0 for line in paid), paid
    assert found["receipts"] >= PROVIDERS, found["receipts"]
    cluster = found["cluster"]
    assert cluster["comet"] == version and cluster["agree"], cluster
    # A newcomer follows them.
    assert len(cluster["state_roots"]) == len(cluster["first"]) == VALIDATORS + 1, cluster


def answers(url):
    try:
        return get(f"{url}/v1/status")["height"] > 0
    except Away:
        return False


def kept_check(told, home):
    """--home and --keep: all nodes are there, until what was printed is done."""
    urls = re.search(r"^    nodes +(http.*)$", told, re.M)[1].split()
    end = re.search(r"^    kill ([\d ]+); rm -r '(.*)'$", told, re.M)
    pids = end[1].split()
    missing = [url for url in urls if not answers(url)]
    subprocess.run(["kill", *pids], check=True)
    until = time.monotonic() + END_SECONDS
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until, f"of {pids} some run on"
        time.sleep(0.1)
    assert len(urls) == VALIDATORS and not missing, missing
    assert not any(answers(url) for url in urls), "killed, and they answer"
    assert Path(end[2]) == home, end[2]
    for name in ("node0", f"node{VALIDATORS - 1}", "provider", f"provider{PROVIDERS}", "logs"):
        assert (home / name).is_dir(), name


def main():
    with tempfile.TemporaryDirectory() as folder:
        home, results = Path(folder).resolve() / "home", Path(folder) / "results.json"
        done = subprocess.run(
            [root / "testnet/cluster", "--comet", version, "--validators", str(VALIDATORS),
             "--provider", str(PROVIDERS), "--seed", "options", "--home", home, "--json", results,
             "--keep"], check=False, stdout=subprocess.PIPE, text=True)
        print(done.stdout, flush=True)
        if done.returncode:
            return done.returncode
        kept_check(done.stdout, home)
        results_check(json.loads(results.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
