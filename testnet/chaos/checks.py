# SPDX-License-Identifier: Apache-2.0
"""What must hold after the faults, whatever they were. Each check is a function of what was seen,
returns (claim with its numbers, whether it holds, what speaks against it), and has a way to fail:
nothing seen is a failure too."""
import base64
import hashlib
import re
import time
from collections import Counter

import heights
from load import OPEN, SMALL_DEPOSIT, ask, bond
from rpc import Away, get

FOLLOW_SECONDS, STALL_SECONDS = 240, 120
ENDED = {"settled", "void"}
TRANSFER, BOND, UNBOND = 1, 2, 3  # kinds (spec P-8)
REVEAL, BEACON, REGISTER_VALIDATOR = 17, 20, 21
MATCH, OUTPUT = 0, 3  # verdicts (spec P-10)
VERIFICATION, CONSENSUS = 2, 3  # roles
ADDED_UP_FIRST, ADDED_UP_EVERY = 2048, 256  # blocks whose records an audit adds up (F-50)


def follow(cluster):
    """Waits until every node has what the chain had when the faults ended, and three more."""
    began, goal = time.monotonic(), cluster.height() + 3
    while time.monotonic() - began < FOLLOW_SECONDS:
        have = cluster.heights()
        if min(height or 0 for height in have) >= goal:
            return (f"all nodes follow again, {time.monotonic() - began:.0f} s after the last "
                    f"fault", True, "")
        time.sleep(0.5)
    return (f"all nodes follow again within {FOLLOW_SECONDS} s", False,
            f"goal {goal}, " + ", ".join(map(str, have)))


def batches(cluster):
    found, path = [], "batches"
    while True:
        more = ask(cluster, path)["batches"]
        found += more
        if len(more) < 256:
            return found
        path = f"batches?height={more[-1]['height']}&index={more[-1]['index']}"


BEACON_WAIT = 288  # a block for each proposer there may be (P-48)


def deciding_blocks(params):
    """W of P-23: within so many blocks every batch is decided."""
    return (2 * params["beacon_delay"] + BEACON_WAIT + params["answer_blocks"]
            + (2 + params["escalation_rounds"])
            * (params["commit_blocks"] + params["reveal_blocks"]))


def decided(cluster, say):
    """Waits until no batch is open, as long as the rules allow it and blocks come; returns all."""
    last = cluster.height() + deciding_blocks(ask(cluster, "genesis")["params"])
    told, height, moved = None, 0, time.monotonic()
    while True:
        found, now = batches(cluster), cluster.height()
        left = sum(batch["state"] not in ENDED for batch in found)
        if left != told:
            told = left
            say(f"block {now}: {left} of {len(found)} batches are not decided")
        if now > height:
            height, moved = now, time.monotonic()
        if not left or now > last or time.monotonic() - moved > STALL_SECONDS:
            return found
        time.sleep(2)


def all_decided(found):
    left = [batch["id"] for batch in found if batch["state"] not in ENDED]
    return f"all {len(found)} batches are decided", not left and bool(found), ", ".join(left)


def one_history(cluster):
    """Every application's own answer at every height, and the chain's."""
    report = heights.report([(node.api, node.comet.url) for node in cluster.nodes])
    claim = (f"{report['app_hashes_compared']} app hashes of {len(cluster.nodes)} nodes agree with "
             f"the headers, up to block {report['height']}, from block "
             f"{', '.join(map(str, report['first']))}; the state roots are one")
    enough = min(report["first"]) == 1 and report["app_hashes_compared"] == sum(
        report["height"] + 1 - first for first in report["first"])
    return report, (claim, report["agree"] and enough, str(report["disagreements"]))


def one_state(sampler):
    split = sampler.split()
    return (f"{sampler.answers} answers of the nodes during the faults, {sampler.shared()} heights "
            f"seen at several: one state root a height", not split and sampler.shared() > 0,
            f"heights {split[:5]}")


def supply(sampler, audited, height):
    """By the nodes' own words where they were seen, and by a replay, which adds up every record
    after as many blocks as F-50 says."""
    report, error = audited
    blocks = report["blocks"] if report else 0
    where = f"all {blocks} heights"
    if blocks > ADDED_UP_FIRST:
        where = (f"the first {ADDED_UP_FIRST:,} of {blocks} heights, every {ADDED_UP_EVERY}th "
                 f"later and the last")
    return (f"the supply adds up to the last nopen at {where}, as an audit replays them, and at "
            f"each of {len(sampler.seen)} seen during the faults",
            not sampler.wrong_supply and bool(sampler.seen) and blocks >= height > 0,
            f"{error} {sampler.wrong_supply[:2]}")


def decode(raw):
    """What the checks need of a transaction's wire bytes (spec P-6, P-8)."""
    tx, body = {"kind": raw[1], "signer": "0x" + raw[10:30].hex()}, raw[59:]
    if tx["kind"] == TRANSFER:
        tx |= {"to": "0x" + body[:20].hex(), "amount": int.from_bytes(body[20:28], "big")}
    elif tx["kind"] in (BOND, UNBOND):
        tx |= {"role": body[0], "amount": int.from_bytes(body[1:9], "big")}
    elif tx["kind"] == REVEAL:
        tx |= {"batch": "0x" + body[:32].hex(), "verdict": body[69]}
    elif tx["kind"] == BEACON:
        tx |= {"reveals": any(body[:32])}
    return tx


class Chain:
    """All transactions of all blocks, as one node's engine tells them."""

    def __init__(self, comet):
        self.where, self.txs, self.count, self.sets = {}, [], Counter(), []
        self.sizes = []  # of each of the sets
        self.proposed = {}  # height → (its proposer, whether its beacon has a preimage)
        for height in range(1, comet.height() + 1):
            block = comet.block(height)
            done = self.take(height, block["data"]["txs"] or [], comet.codes(height))
            self.proposed[height] = (block["header"]["proposer_address"],
                                     any(tx.get("reveals") for tx in done))
            if not self.sets or self.sets[-1] != block["header"]["validators_hash"]:
                self.sets.append(block["header"]["validators_hash"])
                self.sizes.append(comet.validators(height))

    def take(self, height, txs, codes):
        """Returns those that were done."""
        before = len(self.txs)
        for raw, code in zip(map(base64.b64decode, txs), codes):
            known = "0x" + hashlib.sha256(raw).hexdigest()
            self.count[known] += 1
            self.where[known] = (height, code)
            if code == 0:
                self.txs.append(decode(raw))
        return self.txs[before:]


def acknowledged(chain, load):
    lost = [one for one in load.acknowledged if chain.count[one["id"]] != 1
            or chain.where[one["id"]] != (one["height"], 0)]
    twice = [known for known, count in chain.count.items() if count > 1]
    return (f"{len(load.acknowledged)} acknowledged transfers are in the chain once, where it was "
            f"said ({len(load.unknown)} were not acknowledged)",
            not lost and not twice and bool(load.acknowledged), f"{lost[:3]} {twice[:3]}")


def sinks(cluster, chain):
    wrong, total = [], 0
    for sink in cluster.document["sinks"]:
        paid = sum(tx["amount"] for tx in chain.txs
                   if tx["kind"] == TRANSFER and tx["to"] == sink)
        balance = ask(cluster, f"account/{sink}")["balance"]
        total += paid
        if paid != balance:
            wrong.append(f"{sink}: {paid} sent, {balance} there")
    return f"{total} nopen transferred are {total} nopen received", not wrong and total > 0, \
        "; ".join(wrong)


def frauds(cluster, found):
    wrong, said = [], []
    for kind, name in cluster.document["cheats"].items():
        of = [batch for batch in found if batch["provider"] == cluster.address[name]]
        good = [batch for batch in of if batch["void_reason"] == "fraud"
                and batch["slashed"] == 10 * batch["fee_total"] > 0]
        said.append(kind)
        if len(good) != 1 or len(of) != 1:
            wrong.append(f"{kind}: " + (", ".join(
                f"{b['state']}/{b['void_reason']} {b['slashed']}" for b in of) or "no batch"))
    return f"{', '.join(said)}: void, slashed ten times their fees", not wrong, "; ".join(wrong)


def bonded(cluster, chain, name):
    """What someone put into each role's bond, less what was taken out."""
    moved = Counter()
    for tx in chain.txs:
        if tx["kind"] in (BOND, UNBOND) and tx["signer"] == cluster.address[name]:
            moved[tx["role"]] += tx["amount"] if tx["kind"] == BOND else -tx["amount"]
    return moved


def honest(cluster, chain):
    """Bonds are what was put there, less what was taken out: nothing was slashed."""
    wrong, constants = [], cluster.document["bonds"]
    for name in cluster.document["honest"]:
        moved = bonded(cluster, chain, name)
        for role, number, begun in (("verification", VERIFICATION, 0),
                                    ("consensus", CONSENSUS, constants["consensus"])):
            want, have = begun + moved[number], bond(cluster, name, role)
            if want != have or have == 0:
                wrong.append(f"{name}'s {role} bond is {have}, not {want}")
    have = bond(cluster, "provider", "provider")
    if have != constants["provider"]:
        wrong.append(f"the provider's bond is {have}, not {constants['provider']}")
    return "no honest validator and no honest provider lost a nopen of bond", not wrong, \
        "; ".join(wrong)


def idle(cluster, chain):
    """Validators that copy, are silent or lie, on the same machines as the honest ones."""
    lost = {name: bonded(cluster, chain, name)[VERIFICATION] - bond(cluster, name, "verification")
            for name in cluster.document["idle"]}
    spared = [name for name, amount in lost.items() if amount <= 0]
    return ("verification bond lost: " + ", ".join(
        f"{name} {amount // OPEN} OPEN" for name, amount in lost.items()),
        bool(lost) and not spared, ", ".join(spared) + " lost none")


def lies(cluster, chain, found):
    """The liar's votes against the honest provider and for the frauds, and who was believed."""
    told, believed = Counter(), []
    end = {batch["id"]: batch for batch in found}
    cheats = {cluster.address[name] for name in cluster.document["cheats"].values()}
    for tx in chain.txs:
        batch = end.get(tx.get("batch"))
        if tx["kind"] != REVEAL or tx["signer"] != cluster.address["liar"] or not batch:
            continue
        if tx["verdict"] == OUTPUT and batch["provider"] == cluster.address["provider"]:
            right = batch["state"] == "settled"
        elif tx["verdict"] == MATCH and batch["provider"] in cheats:
            right = batch["void_reason"] == "fraud"
        else:
            continue
        told[tx["verdict"]] += 1
        if not right:
            believed.append(batch["id"])
    return (f"a validator that lies accused the honest provider {told[OUTPUT]} times and cleared "
            f"frauds {told[MATCH]} times: nobody believed it",
            told[OUTPUT] > 0 and told[MATCH] > 0 and not believed,
            ", ".join(believed) or "it had no say")


def requests(cluster, load, found):
    of = [batch for batch in found if batch["provider"] == cluster.address["provider"]]
    bad = [batch["id"] for batch in of if batch["state"] != "settled"]
    return (f"{load.answered} requests answered; the honest provider's {len(of)} batches are "
            f"settled", not bad and bool(of) and load.answered > 0, ", ".join(bad))


def vanished(cluster, load, found):
    """Nobody can rerun it: void for what cannot be had, or settled by those who had it in time;
    either way the consumer's deposit is less than before only by what was settled."""
    of = [batch for batch in found if batch["provider"] == cluster.address["ghost"]]
    if not load.sessions.get("ghost") or len(of) != 1:
        return "the provider that vanished had a batch", False, f"{len(of)} batches"
    session = ask(cluster, f"session/{load.sessions['ghost']}")
    fees = of[0]["fee_total"] if of[0]["state"] == "settled" else 0
    whole = session["free"] + session["reserved"] + fees == SMALL_DEPOSIT
    return (f"the batch of the provider that vanished is {of[0]['state']} "
            f"({of[0]['void_reason']}), and the consumer has {session['free']} nopen back", whole,
            str(session))


def validators_changed(chain):
    moves = sum(tx["kind"] in (BOND, UNBOND) and tx["role"] == CONSENSUS for tx in chain.txs)
    joined = sum(tx["kind"] == REGISTER_VALIDATOR for tx in chain.txs)
    changes, first, most, last = len(chain.sets) - 1, chain.sizes[0], max(chain.sizes), \
        chain.sizes[-1]
    return (f"{moves} changes of consensus bonds and {joined} new validator made {changes} changes "
            f"of CometBFT's validator set, of {first}, then {most}, then {last}",
            changes > 0 and moves > 0 and joined == 1 and (most, last) == (first + 1, first), "")


def cut_in_half(faults):
    """Where this machine cannot cut, nothing is claimed of it."""
    halves = [fault for fault in faults if fault.kind == "partition-2-2"]
    tops = [getattr(fault, "tops", (0, 0)) for fault in halves if not hasattr(fault, "skipped")]
    return (f"no block was made while the network was cut in half ({len(tops)} times)",
            bool(halves) and all(first == last > 0 for first, last in tops), str(tops))


def liars(faults):
    lied = [fault for fault in faults if hasattr(fault, "halted")]
    return (f"an application with wrong app hashes could not go on with the others "
            f"({len(lied)} times)", all(fault.halted for fault in lied) and bool(lied), "it did")


def no_beacons(faults, chain):
    """Blocks of a proposer while it withheld its beacon have none, others of its blocks do."""
    withheld = [fault.withheld for fault in faults if hasattr(fault, "withheld")]
    wrong, count = [], 0
    for proposer, first, last in withheld:
        during, else_ = [], []
        for height, (by, beacon) in chain.proposed.items():
            if by == proposer:
                (during if first <= height <= last else else_).append((height, beacon))
        count += len(during)
        wrong += [f"block {height} has one" for height, beacon in during if beacon]
        if not during or not any(beacon for _, beacon in else_):
            wrong.append(f"{proposer}: {len(during)} blocks, {len(else_)} at other times")
    return (f"a proposer that withheld its beacon left it out of all its {count} blocks "
            f"({len(withheld)} times)", bool(withheld) and not wrong, "; ".join(wrong))


def restored(faults):
    lost = [fault for fault in faults if hasattr(fault, "synced")]
    return (f"a node that had lost its state went on from a snapshot of its peers ({len(lost)} "
            f"times)", all(fault.synced for fault in lost) and bool(lost), "it did not")


def engines(cluster):
    """A node whose state and disk nobody harms never finds its application at odds with the
    chain."""
    halted = [node.name for node in cluster.nodes if node.halts()]
    return (f"no engine halted but, at most, on a state or disk that was harmed "
            f"({sum(len(node.harms) for node in cluster.nodes)} times)",
            bool(cluster.nodes) and not halted, ", ".join(halted))


def ends(cluster):
    """Processes end by kill -9 alone; where a state or disk was harmed, by an error of their own
    too, but by no other signal."""
    well = [end for node in cluster.nodes for end in node.ends(harmed=False)]
    harmed = [end for node in cluster.nodes for end in node.ends(harmed=True)]
    killed = [end for end in well if end.endswith(" ended with -9")]
    wrong = [end for end in well if end not in killed] + [
        end for end in harmed if re.search(r" ended with -(?!9$)", end)]
    return (f"no process ended by itself: {len(killed)} were killed, {len(harmed)} had a harmed "
            f"state or disk", bool(killed) and not wrong, "; ".join(wrong) or "none was killed")
