#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The chaos of testnet/cluster, without a cluster: the schedule repeats itself and leaves nothing
out, the unit keeps commands together, and every check of the verdict holds for a good chain and
fails for each single thing that went wrong. usage: chaos.py SOURCE_ROOT"""
import base64
import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

ROOT = Path(sys.argv[1])
sys.path[:0] = [str(ROOT / "testnet/chaos"), str(ROOT / "testnet/nodes")]
import checks  # noqa: E402
import cluster  # noqa: E402
import configure  # noqa: E402
import heights  # noqa: E402
import load  # noqa: E402
import schedule  # noqa: E402
from sample import Sampler  # noqa: E402

NAMES = ["node0", "node1", "node2", "node3"]
OPEN = 10**9


def test_schedule_follows_from_the_seed():
    for minutes in (1, 2, 3, 9, 30):
        for seed in ("1", "2", "a longer one"):
            plan = schedule.faults(seed, minutes, 4, 2)
            lines = [fault.line(NAMES) for fault in plan]
            assert lines == [fault.line(NAMES) for fault in schedule.faults(seed, minutes, 4, 2)]
            assert lines != [fault.line(NAMES) for fault in
                             schedule.faults(seed + "x", minutes, 4, 2)]
            assert {fault.kind for fault in plan} >= set(schedule.LASTS) | set(schedule.ASIDE)
            apart = [fault for fault in plan if fault.kind in schedule.LASTS]
            assert all(a.at + a.lasts < b.at for a, b in zip(apart, apart[1:])), "one at a time"
            assert apart[-1].at + apart[-1].lasts <= 60 * minutes
            assert max(fault.lasts for fault in plan) <= 60
            assert not any(set(a.nodes) & set(b.nodes) for a, b in zip(apart, apart[1:])
                           if "stop" in (a.kind, b.kind)
                           and not {"full-disk", "partition-2-2"} & {a.kind, b.kind})
            assert all(fault.nodes == [2] for fault in plan if fault.kind == "full-disk")
            assert all(len(set(fault.nodes)) == 2 for fault in plan
                       if fault.kind == "partition-2-2")


SOMEONE, SINK, LIAR = "0x" + "ee" * 20, b"\xdd" * 20, "0x" + "cc" * 20
SINK_TEXT = "0x" + SINK.hex()


def tx(kind, signer, body):
    """Wire bytes (spec P-6)."""
    who = bytes.fromhex(signer[2:])
    return bytes([1, kind]) + (7070).to_bytes(8, "big") + who + who + bytes(9) + body + bytes(65)


def reveal(batch, verdict):
    """One of the liar's."""
    body = bytes.fromhex(batch[2:]) + bytes(5) + b"\x5a" * 32 + bytes([verdict]) + b"\x50" * 32
    return tx(17, LIAR, body)


class Blocks:
    """CometBFT's RPC over a world's blocks."""

    def __init__(self, world):
        self.world = world

    def validators(self, height):
        return self.world.sizes[height]

    def height(self):
        return max(self.world.blocks)

    def block(self, height):
        raw = [base64.b64encode(one).decode() for _, one in self.world.blocks[height]]
        header = {"validators_hash": self.world.sets[height],
                  "proposer_address": self.world.makers[height]}
        return {"header": header, "data": {"txs": raw}}

    def codes(self, height):
        return [code for code, _ in self.world.blocks[height]]


def good_world():
    """A chain of three blocks on four nodes, as the checks see one."""
    world = types.SimpleNamespace()
    address = {name: f"0x{number:040x}" for number, name in enumerate(
        ("alice", "bob", "provider", "ghost", "forger"))} | {"liar": LIAR}
    fine, forged, gone = ("0x" + digit * 64 for digit in "123")
    world.load = types.SimpleNamespace(
        acknowledged=[], unknown=["late"], answered=4,
        sessions={"ghost": "s"}, trouble=[])
    world.blocks = {
        1: [(0, tx(2, address["alice"], b"\2" + (200).to_bytes(8, "big")))],
        2: [(0, tx(1, SOMEONE, SINK + (1).to_bytes(8, "big"))),
            (0, tx(3, address["alice"], b"\3" + (10).to_bytes(8, "big")))],
        3: [(140, tx(1, SOMEONE, SINK + (2).to_bytes(8, "big"))), (0, tx(21, SOMEONE, b"")),
            (0, tx(20, SOMEONE, b"\3" * 32))],
        4: [(0, tx(2, LIAR, b"\2" + (40).to_bytes(8, "big"))), (0, reveal(fine, 3)),
            (0, reveal(forged, 0)), (0, tx(20, SOMEONE, bytes(32)))],
        5: [(0, tx(20, SOMEONE, b"\5" * 32))]}
    world.makers = {1: "A", 2: "B", 3: "A", 4: "A", 5: "B"}
    without = schedule.Fault(1, "no-beacon", 1, [0], 0)
    without.withheld = ("A", 4, 5)
    world.plan = [without]
    world.sets = {1: "a", 2: "a", 3: "b", 4: "c", 5: "d"}
    world.sizes = {1: 4, 2: 4, 3: 4, 4: 5, 5: 4}
    known = "0x" + hashlib.sha256(world.blocks[2][0][1]).hexdigest()
    world.load.acknowledged.append({"id": known, "height": 2, "by": "node0"})
    world.answers = {
        f"account/{SINK_TEXT}": {"balance": 1},
        f"account/{address['alice']}": {"bonds": [
            {"role": "verification", "active": 200}, {"role": "consensus", "active": 90}]},
        f"account/{LIAR}": {"bonds": [{"role": "verification", "active": 36}]},
        f"account/{address['provider']}": {"bonds": [{"role": "provider", "active": 500}]},
        "session/s": {"free": load.SMALL_DEPOSIT, "reserved": 0},
    }
    batch = {"id": fine, "state": "settled", "void_reason": "none", "slashed": 0, "fee_total": 7}
    world.batches = [
        batch | {"provider": address["provider"]},
        batch | {"id": forged, "provider": address["forger"], "state": "void", "slashed": 70,
                 "void_reason": "fraud"},
        batch | {"id": gone, "provider": address["ghost"], "state": "void",
                 "void_reason": "fraud"}]
    world.cluster = types.SimpleNamespace(
        nodes=[], address=address, document={
            "sinks": [SINK_TEXT], "cheats": {"altered-token": "forger"}, "honest": ["alice"],
            "idle": ["liar"], "bonds": {"consensus": 100, "provider": 500}})
    return world


JUDGED = {
    "all_decided": lambda w, c: checks.all_decided(w.batches),
    "acknowledged": lambda w, c: checks.acknowledged(c, w.load),
    "sinks": lambda w, c: checks.sinks(w.cluster, c),
    "frauds": lambda w, c: checks.frauds(w.cluster, w.batches),
    "honest": lambda w, c: checks.honest(w.cluster, c),
    "idle": lambda w, c: checks.idle(w.cluster, c),
    "lies": lambda w, c: checks.lies(w.cluster, c, w.batches),
    "no_beacons": lambda w, c: checks.no_beacons(w.plan, c),
    "requests": lambda w, c: checks.requests(w.cluster, w.load, w.batches),
    "validators_changed": lambda w, c: checks.validators_changed(c),
    "vanished": lambda w, c: checks.vanished(w.cluster, w.load, w.batches),
}


def judge(world):
    """The checks that fail."""
    real = checks.ask
    checks.ask = load.ask = lambda cluster, path: world.answers[path]
    try:
        chain = checks.Chain(Blocks(world))
        return {name for name, check in JUDGED.items() if not check(world, chain)[1]}
    finally:
        checks.ask = load.ask = real


def test_a_good_chain_passes():
    assert judge(good_world()) == set()


def break_lost(w):
    w.blocks[2].pop(0)
    w.answers[f"account/{SINK_TEXT}"]["balance"] = 0


def break_twice(w):
    w.blocks[3].append(w.blocks[2][0])
    w.answers[f"account/{SINK_TEXT}"]["balance"] = 2


BROKEN = [  # what went wrong, and who must see it
    (break_lost, {"acknowledged", "sinks"}),
    (break_twice, {"acknowledged"}),
    (lambda w: w.load.acknowledged[0].update(height=1), {"acknowledged"}),
    (lambda w: w.blocks[2].__setitem__(0, (140, w.blocks[2][0][1])), {"acknowledged", "sinks"}),
    (lambda w: w.load.acknowledged.clear(), {"acknowledged"}),
    (lambda w: w.answers[f"account/{SINK_TEXT}"].update(balance=2), {"sinks"}),
    (lambda w: w.batches[1].update(slashed=69), {"frauds"}),
    (lambda w: w.batches[1].update(state="settled", void_reason="none"), {"frauds", "lies"}),
    (lambda w: w.batches[1].update(fee_total=0, slashed=0), {"frauds"}),
    (lambda w: w.batches.pop(1), {"frauds", "lies"}),
    (lambda w: w.batches[1].update(state="checking"), {"all_decided"}),
    (lambda w: w.blocks[1].clear(), {"honest"}),
    (lambda w: w.blocks[2].pop(1), {"honest", "validators_changed"}),
    (lambda w: w.sets.update(dict.fromkeys(w.sets, "a")), {"validators_changed"}),
    (lambda w: w.sizes.update({4: 4}), {"validators_changed"}),
    (lambda w: w.sizes.update({5: 5}), {"validators_changed"}),
    (lambda w: w.blocks[3].pop(1), {"validators_changed"}),
    (lambda w: w.cluster.document["bonds"].update(provider=501), {"honest"}),
    (lambda w: w.batches[0].update(state="void"), {"requests", "lies"}),
    (lambda w: w.batches.pop(0), {"requests", "lies"}),
    (lambda w: w.answers[f"account/{LIAR}"]["bonds"][0].update(active=40), {"idle"}),
    (lambda w: w.cluster.document["idle"].clear(), {"idle"}),
    (lambda w: w.blocks[4].pop(1), {"lies"}),
    (lambda w: w.blocks[4].pop(2), {"lies"}),
    (lambda w: w.blocks[4].append(w.blocks[5][0]), {"no_beacons", "acknowledged"}),
    (lambda w: w.makers.update({4: "B"}), {"no_beacons"}),
    (lambda w: w.blocks[3].pop(2), {"no_beacons"}),
    (lambda w: w.plan.clear(), {"no_beacons"}),
    (lambda w: setattr(w.load, "answered", 0), {"requests"}),
    (lambda w: w.answers["session/s"].update(free=1), {"vanished"}),
    (lambda w: w.batches.pop(2), {"vanished"}),
    (lambda w: w.load.sessions.clear(), {"vanished"}),
]


def test_each_check_fails_for_what_it_is_there_for():
    for number, (harm, seen) in enumerate(BROKEN):
        world = good_world()
        harm(world)
        failed = judge(world)
        # batches that are open are nobody else's good news
        assert seen <= failed and failed - seen <= {"frauds"}, (number, failed, seen)
    assert set(JUDGED) == set().union(*(seen for _, seen in BROKEN)), "one never failed"


def status(height, root, burned=1):
    return {"height": height, "state_root": root,
            "supply": {"genesis": 10, "balances": 9, "burned": burned}}


def test_samples():
    sampler = Sampler(types.SimpleNamespace(nodes=[]))
    def adds_up(blocks=9, error=""):
        return checks.supply(sampler, ({"blocks": blocks} if blocks else None, error), 9)[1]

    assert not checks.one_state(sampler)[1] and not adds_up(), "nothing was seen"
    sampler.take("node0", status(5, "a"))
    assert not checks.one_state(sampler)[1], "nobody was compared"
    sampler.take("node1", status(5, "a"))
    assert checks.one_state(sampler)[1] and adds_up() and adds_up(10)
    assert not adds_up(8) and not adds_up(0, "the audit failed")
    claims = [checks.supply(sampler, ({"blocks": blocks}, ""), 9)[0] for blocks in (2048, 2049)]
    assert "at all 2048 heights" in claims[0], claims
    assert "at the first 2,048 of 2049 heights, every 256th later and the last" in claims[1], claims
    sampler.take("node0", status(6, "b"))
    sampler.take("node0", status(6, "c"))  # a node that changes its mind
    assert not checks.one_state(sampler)[1] and sampler.split() == [6]
    sampler.take("node1", status(7, "d", burned=2))
    assert not adds_up()


def block(height, app_hash, second, round_=0):
    return {"header": {"app_hash": app_hash, "time": f"2026-01-01T00:00:{second:09.6f}Z"},
            "last_commit": {"height": str(height - 1), "round": round_}}


def test_heights():
    blocks = {1: block(1, "", 0), 2: block(2, "AA", 1.5), 3: block(3, "BB", 2),
              4: block(4, "CC", 4.25, 2)}
    assert heights.rounds(blocks) == {"0": 2, "2": 1}
    assert heights.block_times(blocks) == {"median": 1375, "p99": 2250, "max": 2250}
    good = {1: "aa", 2: "bb", 3: "cc", 4: "dd"}
    assert heights.disagreements(blocks, [good, good]) == []
    assert heights.disagreements(blocks, [good | {3: "ee"}] * 2)[0]["height"] == 3, "the header"
    assert heights.disagreements(blocks, [good, good | {4: "ee"}])[0]["height"] == 4, "the last"


def test_follow():
    real, checks.FOLLOW_SECONDS = checks.FOLLOW_SECONDS, 1
    try:
        for have, holds in (([13, 13, 14], True), ([13, 12, 14], False), ([13, None, 14], False)):
            chain = types.SimpleNamespace(height=lambda: 10, heights=lambda have=have: have)
            assert checks.follow(chain)[1] == holds, have
    finally:
        checks.FOLLOW_SECONDS = real


def test_liars():
    assert not checks.liars([])[1], "nobody lied"
    lie = schedule.Fault(1, "wrong-app-hash", 1, [0], 0)
    lie.halted = True
    assert checks.liars([lie])[1]
    lie.halted = False
    assert not checks.liars([lie])[1]


def test_restored():
    assert not checks.restored([])[1], "nobody lost a state"
    lost = schedule.Fault(1, "lost-state", 0, [0], 0)
    lost.synced = True
    assert checks.restored([lost])[1]
    lost.synced = False
    assert not checks.restored([lost])[1]


@contextlib.contextmanager
def logged_node():
    """A node that has said nothing yet, its chain, and what writes into one of its logs."""
    with tempfile.TemporaryDirectory() as folder:
        node = cluster.Node.__new__(cluster.Node)
        node.name, node.logs, node.harms = "node0", Path(folder), []
        for name in ("node0.out", "node0.err", "node0-comet.out", "node0-comet.err",
                     "node0-unit.out"):
            (node.logs / name).write_text("all is well\n")

        def say(name, text):
            with open(node.logs / name, "a") as log:
                log.write(text + "\n")
        yield node, types.SimpleNamespace(nodes=[node]), say


def test_halted_engines():
    """One that disagrees with its chain has halted; one whose application was killed has not."""
    says = 'E[…] CONSENSUS FAILURE!!! module=consensus err="{}" stack="…"'
    with logged_node() as (node, chain, say):
        say("node0-comet.out", says.format("failed to apply block; error read message: EOF"))
        assert checks.engines(chain)[1]
        for _ in range(2):
            node.harm_begins()
            say("node0-comet.out", says.format("wrong Block.Header.AppHash"))
            assert checks.engines(chain)[1], "while its state was harmed"
            node.harm_ends()
            assert checks.engines(chain)[1], "after it"
        say("node0-comet.out", says.format("wrong Block.Header.AppHash"))
        assert not checks.engines(chain)[1]
    assert not checks.engines(types.SimpleNamespace(nodes=[]))[1], "there is no engine"


def test_ends():
    """Only what was killed ends, and what was harmed by an error; an abort is never right."""
    says = "1764536000.123 node0{} ended with {}"
    for harmed, part, code, good in (
            (False, "", -9, True), (False, "-comet", -9, True), (False, "", -6, False),
            (False, "", -11, False), (False, "-comet", 2, False), (False, "", 0, False),
            (True, "", 4, True), (True, "-comet", 2, True), (True, "", -9, True),
            (True, "", -6, False), (True, "", -11, False)):
        with logged_node() as (node, chain, say):
            assert not checks.ends(chain)[1], "nothing was killed"
            say("node0-unit.out", says.format("", -9))
            say("node0-unit.out", "1764536001.123 told to stop")
            if harmed:
                node.harm_begins()
            say("node0-unit.out", says.format(part, code))
            node.harm_ends()
            assert checks.ends(chain)[1] == good, (harmed, part, code)
    with logged_node() as (node, chain, say):
        say("node0-unit.out", says.format("", -9))
        say("node0-unit.out", "1764536001.123 node0 did not end in 20 s and was killed")
        assert not checks.ends(chain)[1]


def test_history_is_whole():
    real = checks.heights.report
    good = {"height": 5, "first": [1, 4], "app_hashes_compared": 7, "agree": True,
            "disagreements": []}
    try:
        for change, holds in (({}, True), ({"first": [2, 4]}, False), ({"agree": False}, False),
                              ({"app_hashes_compared": 6}, False)):
            checks.heights.report = lambda pairs, found=good | change: found
            cluster = types.SimpleNamespace(nodes=[])
            assert checks.one_history(cluster)[1][1] == holds, change
    finally:
        checks.heights.report = real


def test_deciding_takes_its_time():
    params = {"beacon_delay": 2, "answer_blocks": 10, "escalation_rounds": 3, "commit_blocks": 30,
              "reveal_blocks": 15}
    assert checks.deciding_blocks(params) == 4 + 288 + 10 + 5 * 45  # P-23


def test_cut_in_half():
    assert not checks.cut_in_half([])[1], "no cut was planned"
    cut = schedule.Fault(1, "partition-2-2", 1, [0, 1], 0)
    assert not checks.cut_in_half([cut])[1], "it was not made"
    for tops, held in (((7, 7), True), ((7, 8), False), ((0, 0), False), ((7, 0), False)):
        cut.tops = tops  # (0, 0): no node answered
        assert checks.cut_in_half([cut])[1] == held, tops
    skipped = schedule.Fault(1, "partition-2-2", 1, [0, 1], 0)
    skipped.skipped = "no network"
    assert checks.cut_in_half([skipped])[1] and not checks.cut_in_half([skipped, cut])[1]


def test_configure_sets_what_it_names():
    text = "# laddr = 1\nmoniker = \"a\"\n[rpc]\nladdr = \"x\"\n\n"\
        "[p2p]\nladdr = \"y\"\npex = true\n"
    out = configure.replace(text, {"moniker": "b", "p2p.laddr": "z", "p2p.pex": False})
    assert out == text.replace('"a"', '"b"').replace('"y"', '"z"').replace("true", "false")
    try:
        configure.replace(text, {"rpc.pex": True})
    except SystemExit as error:
        assert "rpc.pex" in str(error)
    else:
        raise AssertionError("a key that is not there was set")


def pid_in(path, other_than=None):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            pid = int(path.read_text())
            if pid != other_than:
                return pid
        except (OSError, ValueError):
            pass
        time.sleep(0.02)
    raise AssertionError(f"{path} never came")


def gone(*pids):
    end = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        assert time.monotonic() < end, pids
        time.sleep(0.02)


@contextlib.contextmanager
def running(*words):
    """A process that ends with the test, however that does."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def unit(folder, *words):
    return running(ROOT / "testnet/nodes/unit.py", *words, folder, folder, "--", "one", "sleep",
                   "600", "--", "two", "sleep", "601")


def test_unit_keeps_commands_together():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with unit(folder) as process:
            one, two = pid_in(folder / "one.pid"), pid_in(folder / "two.pid")
            os.kill(two, signal.SIGKILL)
            again = pid_in(folder / "one.pid", one), pid_in(folder / "two.pid", two)
            gone(one, two)  # the first went with the second, and both are new
            process.terminate()
            assert process.wait(20) == 0
        gone(*again)
        with unit(folder):
            pids = pid_in(folder / "one.pid"), pid_in(folder / "two.pid")
        gone(*pids)  # killed
        with running("sleep", "600") as holder, \
                unit(folder, "--with", str(holder.pid)) as process:
            pids = pid_in(folder / "one.pid", pids[0]), pid_in(folder / "two.pid", pids[1])
            holder.kill()
            holder.wait()
            assert process.wait(20) == 0
            gone(*pids)


def main():
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
            print(f"{name[5:].replace('_', ' ')}: passed")


if __name__ == "__main__":
    main()
