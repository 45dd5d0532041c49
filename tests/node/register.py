#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Registrations by the command line against a real node: what they cost, what they wait for, what
they are refused for (F-78). usage: register.py ASSAY [TEST…]"""
import re
import subprocess

from chain import OPEN, SOURCE, main

ZERO = "0x" + "00" * 32


def test_an_interrupted_registration_goes_on(assay):
    """F-78: killed while it waits, a command finds its commitment when it is run again."""
    assay.key("alice")
    assay.init(accounts=["alice"], params={"commitment_blocks": 60, "adapter_bytes_max": 5299})
    node = assay.node("--block-ms", 40)
    assay.write("data", "It was the best of times, it was the worst of times.\n" * 100)
    large = assay.good("dataset", "inspect", "data")["root"]
    assay.good("model", "import", SOURCE / "testnet/model", "--out", "base.assay")
    signed = ["--key", "alice.key", "--node", node.url]
    for plural, words in (
            ("datasets", ["dataset", "register", "--file", "data", "--name", "times", "--license",
                          "CC0-1.0", *signed]),
            ("models", ["model", "register", "--file", "base.assay", "--name", "base", *signed])):
        first = subprocess.Popen([assay.program, *words], cwd=assay.folder, text=True,
                                 env=assay.environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        told = re.fullmatch(r"committed in block (\d+), waiting for block (\d+)\n",
                            first.stderr.readline())
        first.kill()
        first.communicate()
        committed, target = map(int, told.groups())
        assert target == committed + 60, told
        assert node.get("/v1/" + plural)[plural] == []
        nonces = node.get("/v1/account/" + assay.key("alice"))["nonces"]
        sent = assay.good(*words)
        assert sent["height"] >= target, (sent, target)
        after = node.get("/v1/account/" + assay.key("alice"))["nonces"]
        assert after[0] == nonces[0] + 1, "a second commitment"
        entry = node.get("/v1/" + plural)[plural][0]
        assert sent["root"] == entry["root"], sent
        assert entry["registered"] == sent["height"], entry
        # Nothing is paid for, and nothing waited for, where it is registered.
        assay.bad(6, "REJECTED", f"registered before, at height {sent['height']}", *words)
        assert node.get("/v1/account/" + assay.key("alice"))["nonces"] == after
    # What the end would refuse costs nothing.
    before = node.balance(assay.key("alice"))
    for words, part in (
            (["--royalty-ppm", 150001, "--no-source"], "limit 150000"),
            (["--source", ZERO + "=1000000"], "is no registered data set"),
            (["--source", large + "=1000000"], "has 5300 bytes, of the limit of all 5299")):
        adapter = assay.good("adapter", "import", SOURCE / "testnet/adapters/doyle", "--model",
                             "base.assay", "--out", "doyle.assay")
        result = assay.run("adapter", "register", "--file", "doyle.assay", "--model", "base.assay",
                           "--name", "doyle", *words, *signed)
        assert result.code == 6 and part in result.err and not result.out, (adapter, result)
    assert node.balance(assay.key("alice")) == before
    # That it names no data set, for ever, is said or refused.
    words = ["adapter", "register", "--file", "doyle.assay", "--model", "base.assay", "--name",
             "doyle", *signed]
    assay.bad(2, "USAGE", "--source is missing: ", *words)
    assay.bad(2, "USAGE", "no effect beside --no-source", *words, "--no-source", "--source",
              large + "=1000000")
    base = node.get("/v1/models")["models"][0]["root"]
    assay.good(*words, "--no-source")
    shown = assay.run("adapter", "list", "--node", node.url).out
    assert f"doyle, base {base}, of no data set, royalty 0 ppm" in shown, shown
    assert node.term() == 0


def test_a_registration_that_cannot_be_paid_costs_nothing(assay):
    """Bond and fees are there before the commitment is sent; to the last nopen they suffice."""
    poor = assay.key("poor")
    assay.key("alice")
    assay.init(accounts=["alice"], params={"commitment_blocks": 2, "dataset_bond": 7 * OPEN})
    node = assay.node()
    assay.write("data", "It was the best of times, it was the worst of times.\n" * 100)
    node.tx("transfer", "--to", poor, "--amount", OPEN)
    words = ["dataset", "register", "--file", "data", "--name", "times", "--license", "CC0-1.0",
             "--key", "poor.key", "--node", node.url]
    needed = f"needed are {7 * OPEN} for the data set's bond (dataset_bond) and "
    error = assay.bad(6, "REJECTED", f"balance {OPEN} nopen, {needed}", *words)
    fees = int(re.findall(r"and (\d+) for fees$", error["text"])[0])
    node.tx("transfer", "--to", poor, "--amount", 6 * OPEN + fees - 1)
    assay.bad(6, "REJECTED", f"balance {7 * OPEN + fees - 1} nopen, needed are ", *words)
    account = node.get("/v1/account/" + poor)
    assert account["nonces"] == account["next_nonces"] == [0, 0], account
    node.tx("transfer", "--to", poor, "--amount", 1)
    root = assay.good(*words)["root"]
    assert node.balance(poor) == 0
    node.tx("transfer", "--to", poor, "--amount", OPEN)
    listed = ["dataset", "list", "--node", node.url]
    assert assay.run(*listed).out.endswith(f" by {poor}, bond of 7 OPEN\n")
    node.tx("dataset", "retire", root, key="poor")
    data = node.get("/v1/dataset/" + root)
    assert data["released"] > data["retired"] > 0, data
    told = (f", retired at block {data['retired']}, bond of 7 OPEN returns at block "
            f"{data['released']}\n")
    assert assay.run(*listed).out.endswith(told), assay.run(*listed)
    assert node.term() == 0


if __name__ == "__main__":
    main(globals())
