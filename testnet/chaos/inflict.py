# SPDX-License-Identifier: Apache-2.0
"""The faults themselves. Each takes (cluster, fault, sleep), does its harm, waits, heals, and says
what it saw; Skipped where this machine cannot do it. `sleep` ends early if the run does."""
import contextlib
import os
import random
import signal
import time

from rpc import Away

FLIPS = 64  # bytes of the state that are damaged
LMDB_PAGE = 4096
START_SECONDS = 20  # until a unit that was told to start has its processes
NOTICE_SECONDS = 30
SYNC_SECONDS = 60
WHOLE_LEAST = 2
IN_FLIGHT = 3  # blocks that a node may have proposed before it was stopped, at most
STALL_GRACE = 2  # seconds for what is on its way before a cut counts


class Skipped(Exception):
    """This machine cannot do that; the text says what it lacks."""


def need_wire(cluster):
    if not cluster.wire:
        raise Skipped("no network of namespaces: needs root, ip and /dev/net/tun")


def victim(cluster, fault):
    return cluster.nodes[fault.nodes[0]]


def killing(*parts):
    def kill(cluster, fault, sleep):
        node, end = victim(cluster, fault), time.monotonic() + START_SECONDS
        while not all(node.pid(part) for part in parts) and time.monotonic() < end:
            sleep(0.05)  # it is only just being started
        return f"{node.signal(signal.SIGKILL, *parts)} of {len(parts)} processes killed"
    return kill


def stop(cluster, fault, sleep):
    node = victim(cluster, fault)
    before = node_height(node)
    count = node.signal(signal.SIGSTOP, "node", "engine")
    sleep(fault.lasts)
    node.signal(signal.SIGCONT, "node", "engine")
    return f"{count} processes held at block {before}, the chain at {cluster.height()}"


def node_height(node):
    try:
        return node.status()["height"]
    except Away:
        return "unknown"


def others(cluster, side):
    return [node for node in range(len(cluster.nodes)) if node not in side]


def partition(cluster, fault, sleep):
    need_wire(cluster)
    rest = others(cluster, fault.nodes)
    before = cluster.links(cut=[[a, b] for a in fault.nodes for b in rest])
    sleep(STALL_GRACE)
    first = cluster.heights()
    sleep(max(fault.lasts - STALL_GRACE, 1))
    last = cluster.heights()
    after = cluster.links()
    fault.tops = tuple(max(height or 0 for height in heights) for heights in (first, last))
    made = ["?" if None in pair else pair[1] - pair[0] for pair in zip(first, last)]
    return (f"{after['cut'] - before['cut']} packets cut; blocks made meanwhile: "
            + ", ".join(f"{name} {count}" for name, count in zip(cluster.names, made)))


def slow_links(cluster, fault, sleep):
    need_wire(cluster)
    before = cluster.links(slow=fault.nodes, delay_ms=200, loss_ppm=50000, seed=fault.seed)
    first = cluster.height()
    sleep(fault.lasts)
    made = cluster.height() - first
    after = cluster.links()
    carried, lost = (after[key] - before[key] for key in ("carried", "lost"))
    return f"200 ms each way and {lost} of {carried + lost} packets lost; {made} blocks meanwhile"


def full_disk(cluster, fault, sleep):
    if not cluster.small_disk:
        raise Skipped("no file system of its own: needs root to mount a tmpfs")
    node = victim(cluster, fault)
    since, filler, size = node.log_sizes(), node.home / "filler", 0
    before = node.pid("node")
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                size += file.write(b"\0" * 65536)
        except OSError:
            pass
    sleep(fault.lasts)
    left = os.statvfs(node.home).f_bavail
    filler.unlink()
    said = f"{size >> 20} MiB filled, {left} blocks left at the end; "
    if node.pid("node") != before:
        return said + "the node ended for want of room and its unit started it again"
    # Nobody restarts it here: with a halted engine it stays behind, and the verdict says so.
    halted = node.log_has("CONSENSUS FAILURE", since)
    return said + ("its engine had halted and NOTHING ENDED IT" if halted else
                   "the node went on by itself")


def lost_state(cluster, fault, sleep):
    """The engine's blocks go too, and both begin with a snapshot of their peers. Two nodes keep
    every block, so that others may still follow from the genesis."""
    node = victim(cluster, fault)
    whole = [other for other in cluster.nodes if other is not node and other.first_block() == 1]
    node.stop()
    node.forget_state()
    if len(whole) < WHOLE_LEAST:
        node.start()
        return "the application starts without a state, its engine replays every block"
    began = time.monotonic()
    node.forget_blocks()
    node.take_snapshot_of(whole[:2])
    node.start()
    while not (first := node.first_block()) and time.monotonic() - began < SYNC_SECONDS:
        sleep(0.2)
    fault.synced = (first or 1) > 1
    took = time.monotonic() - began
    return (f"without state and blocks; its first block after {took:.0f} s is "
            f"{first or 'not there yet'}")


def restore(node):
    """What an operator does with a node that must not be believed: everything but its keys and
    what it has signed goes, and it follows the others from the genesis."""
    node.stop()
    node.forget_state()
    node.forget_blocks()
    node.replay_all()
    node.start()


def damaged_state(cluster, fault, sleep):
    node, draw = victim(cluster, fault), random.Random(fault.seed)
    node.stop()
    node.unreliable = True  # a block on damaged state has a root of its own, until its engine halts
    path = node.home / "assay/state/data.mdb"
    pages = path.stat().st_size // LMDB_PAGE
    with open(path, "r+b") as file:
        for _ in range(FLIPS):
            file.seek(draw.randrange(2 * LMDB_PAGE, pages * LMDB_PAGE))
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1 << draw.randrange(8)]))
    since, before = node.log_sizes(), cluster.height()
    node.start()
    sleep(max(fault.lasts, 3))
    said = "refused it" if node.log_has("assay: error", since) else (
        "halted" if node.log_has("CONSENSUS FAILURE", since) else
        f"went on to block {node_height(node)} of {cluster.height()}, was at {before}")
    restore(node)
    node.unreliable = False
    return f"{FLIPS} bytes of {pages} pages flipped: the node {said}; restored from its peers"


def wrong_app_hash(cluster, fault, sleep):
    node = victim(cluster, fault)
    node.stop()
    since = node.log_sizes()
    node.unreliable = True
    node.start("--misbehave", "wrong-app-hash")
    sleep(fault.lasts)
    end = time.monotonic() + NOTICE_SECONDS  # it has to catch up and to have one block first
    while not (halted := node.log_has("Block.Header.AppHash", since)) and time.monotonic() < end:
        sleep(0.5)
    fault.halted = halted
    restore(node)
    node.unreliable = False
    return f"its engine {'refused the others blocks' if halted else 'noticed nothing'}; restored"


def no_beacon(cluster, fault, sleep):
    """It proposes blocks without its part of the randomness: others' parts are enough."""
    node = victim(cluster, fault)
    node.stop()
    first = cluster.height() + IN_FLIGHT
    node.start("--misbehave", "no-beacon")
    sleep(fault.lasts)
    end = time.monotonic() + NOTICE_SECONDS  # it has to catch up and to have its turn first
    while not (own := proposed(cluster, node, first)) and time.monotonic() < end:
        sleep(0.5)
    last = cluster.height()  # what it proposed for this one it did before it stops
    node.stop()
    node.start()
    fault.withheld = (node.engine_address(), first, last)
    return f"{own} of {last + 1 - first} blocks were its own"


def proposed(cluster, node, first):
    """How many blocks from this height on are the node's, as far as another one can tell."""
    for other in cluster.nodes:
        with contextlib.suppress(Away):
            heights = range(first, other.comet.height() + 1)
            makers = [other.comet.block(height)["header"]["proposer_address"] for height in heights]
            return makers.count(node.engine_address())
    return 0


INFLICT = {
    "kill-node": killing("node"), "kill-engine": killing("engine"),
    "kill-both": killing("node", "engine"), "stop": stop, "partition-2-2": partition,
    "partition-3-1": partition, "slow-links": slow_links, "full-disk": full_disk,
    "lost-state": lost_state, "damaged-state": damaged_state, "wrong-app-hash": wrong_app_hash,
    "no-beacon": no_beacon,
}


HARMFUL = "damaged-state", "wrong-app-hash", "full-disk"


def inflict(cluster, fault, sleep):
    """Runs one fault; returns its outcome in words. Its harm lasts until the next one."""
    began = time.monotonic()
    for node in cluster.nodes:
        node.harm_ends()
    if fault.kind in HARMFUL:
        victim(cluster, fault).harm_begins()
    try:
        said = INFLICT[fault.kind](cluster, fault, sleep)
    except Skipped as reason:
        fault.skipped = str(reason)
        return f"SKIPPED: {reason}"
    fault.took = time.monotonic() - began
    return said
