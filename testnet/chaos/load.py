# SPDX-License-Identifier: Apache-2.0
"""What people do while the faults happen: transfers that are acknowledged or not, requests to the
honest provider, the four frauds, a provider that vanishes, bonds that change, and one more
validator that comes, proposes nothing and goes."""
import contextlib
import itertools
import os
import random
import signal
import threading
import time

from rpc import Away, get

OPEN = 10**9
PAYERS = 4
TOKENS = 24
DEPOSIT, SMALL_DEPOSIT = 100 * OPEN, 2 * OPEN
BOND_STEP = 10 * OPEN  # small enough that any three validators keep more than two thirds
TRIES, PAUSE = 200, 1.0


def ask(cluster, path):
    """From any node that answers."""
    for node in cluster.nodes:
        try:
            return get(f"{node.api}/v1/{path}", seconds=20)
        except Away:
            continue
    raise Away(f"no node answers /v1/{path}")


def bond(cluster, name, role):
    bonds = ask(cluster, f"account/{cluster.address[name]}")["bonds"]
    return sum(one["active"] for one in bonds if one["role"] == role)


def power(cluster, name):
    return ask(cluster, f"validator/{cluster.address[name]}")["power"]


class Load:
    def __init__(self, cluster):
        self.cluster, self.halt = cluster, threading.Event()
        self.acknowledged, self.unknown = [], []  # {id, height, by}, sentences
        self.answered, self.trouble = 0, []  # requests; what could not be done at all
        self.sessions, self.threads, self.lock = {}, [], threading.Lock()
        self.joined = threading.Event()
        lines = (cluster.home / "prompts").read_text().split("\n")
        self.prompts = [line.split("|", 1) for line in lines if line]

    def start(self):
        works = [(self.pay, number) for number in range(PAYERS)]
        works += [(self.cheat, kind) for kind in self.cluster.document["cheats"]]
        works += [(self.request,)]
        for work, *arguments in works:
            self.spawn(work, *arguments)

    def spawn(self, work, *arguments):
        def run():
            try:
                work(*arguments)
            except Exception as error:  # noqa: BLE001 - a thread's end must be seen in the verdict
                self.trouble.append(f"{work.__name__} {arguments}: {error!r}")
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)

    def stop(self, seconds):
        self.halt.set()
        end = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0, end - time.monotonic()))

    def until(self, who, draw, *words, already=lambda: False):
        """Repeats a command at nodes of the draw's choice until it succeeds, or until what it is
        for is so already: it may have been done though nobody could say so. None: never was."""
        error = ""
        for _ in range(TRIES):
            done, error = self.cluster.sign(who, draw.choice(self.cluster.nodes), *words)
            if done:
                return done
            with contextlib.suppress(Away):
                if already():
                    return {"height": "unknown"}
            if self.halt.wait(PAUSE):
                break
        self.trouble.append(f"{who} {' '.join(map(str, words[:2]))}: {error}")
        return None

    def pay(self, number):
        """Transfers of 1 nopen to an address of its own, through one node after the other."""
        draw = random.Random(f"pay/{self.cluster.seed}/{number}")
        who, sink = f"payer{number}", self.cluster.document["sinks"][number]
        while not self.halt.is_set():
            node = draw.choice(self.cluster.nodes)
            done, error = self.cluster.sign(who, node, "transfer", "--to", sink, "--amount", 1,
                                            "--wait-ms", 8000)
            with self.lock:
                if done and done["state"] == "committed":
                    self.acknowledged.append({"id": done["id"], "height": done["height"],
                                              "by": node.name})
                else:
                    self.unknown.append(error or "pending")
            self.halt.wait(0.2)

    def session_open(self, provider, deposit, draw):
        price_in, price_out = self.cluster.document["prices"]
        done = self.until("consumer", draw, "session", "open", "--provider",
                          self.cluster.address[provider], "--deposit", deposit, "--price-in",
                          price_in, "--price-out", price_out, "--expiry", 900000)
        self.sessions[provider] = done and done["digest"]
        return self.sessions[provider]

    def ask(self, provider, kind, prompt, draw):
        adapter = [] if kind == "base" else ["--adapter", self.cluster.root[f"adapter-{kind}"]]
        return self.cluster.sign(
            "consumer", draw.choice(self.cluster.nodes), "ask", "--provider",
            self.cluster.url[provider], "--session", self.sessions[provider], "--model",
            self.cluster.home / "base.assay", *adapter, "--prompt", prompt, "--max-tokens",
            TOKENS, "--temperature-milli", 0)

    def request(self):
        """The prompts in the seed's order, again and again."""
        draw = random.Random(f"request/{self.cluster.seed}")
        with self.lock:
            opened = self.session_open("provider", DEPOSIT, draw)
        for kind, prompt in itertools.cycle(self.prompts):
            if self.halt.is_set() or not opened:
                return
            done, error = self.ask("provider", kind, prompt, draw)
            self.answered += bool(done)
            self.halt.wait(0.5 if done else PAUSE)

    def sell_three(self, provider):
        """Three answers of a provider, one of each adapter: its batch. Whether it has them."""
        draw = random.Random(f"sell/{self.cluster.seed}/{provider}")
        with self.lock:  # one consumer, one nonce after the other
            if not self.session_open(provider, SMALL_DEPOSIT, draw):
                return False
        for kind in ("doyle", "carroll", "shakespeare"):
            prompt = draw.choice([text for of, text in self.prompts if of == kind])
            for _ in range(TRIES):
                done, error = self.ask(provider, kind, prompt, draw)
                if done:
                    break
                if self.halt.wait(PAUSE):
                    return False
            else:
                self.trouble.append(f"{provider} answers no request: {error}")
                return False
        return True

    def cheat(self, kind):
        self.sell_three(self.cluster.document["cheats"][kind])

    def batch_of(self, provider):
        for node in self.cluster.nodes:
            try:
                batches = get(f"{node.api}/v1/batches")["batches"]
            except (Away, KeyError):
                continue
            for batch in batches:
                if batch["provider"] == self.cluster.address[provider]:
                    return batch
        return None

    def aside(self, fault):
        """What a fault of ASIDE says; returns what happened, in words."""
        draw = random.Random(fault.seed)
        if fault.kind in OWN:
            return OWN[fault.kind](self, draw)
        who = draw.choice(self.cluster.document["honest"])
        done = self.until(who, draw, fault.kind, "--role", "consensus", "--amount", BOND_STEP)
        return f"{who}, {BOND_STEP // OPEN} OPEN: " + (
            f"in block {done['height']}" if done else "could not be sent")

    def join(self, draw):
        """Its bond counts from the next epoch on; the chain waits for it in vain when it is to
        propose."""
        self.until("late", draw, "bond", "--role", "consensus", "--amount", BOND_STEP,
                   already=lambda: bond(self.cluster, "late", "consensus") > 0)
        done = self.until("late", draw, "validator", "register", "--home",
                          self.cluster.home / "late")
        self.joined.set()
        return "a fifth validator, without a node" if done else "it could not register"

    def leave(self, draw):
        """Not before its power was there: an epoch's end away, wherever the schedule has it."""
        self.joined.wait()
        counts = False
        while not counts and not self.halt.wait(PAUSE):
            with contextlib.suppress(Away):
                counts = power(self.cluster, "late") > 0
        done = self.until("late", draw, "unbond", "--role", "consensus", "--amount", BOND_STEP,
                          already=lambda: bond(self.cluster, "late", "consensus") == 0)
        return f"its bond leaves from block {done['height']} on" if done else "it could not"

    def vanish(self, draw):
        """It sells three answers, and is gone before anyone can fetch its evidence."""
        if not self.sell_three("ghost"):
            return "it could sell nothing"
        end = time.monotonic() + 60
        while not self.batch_of("ghost") and time.monotonic() < end:
            self.halt.wait(0.03)
        os.kill(self.cluster.pid["ghost"], signal.SIGKILL)
        batch = self.batch_of("ghost")
        return f"killed, its batch of block {batch['height']} open" if batch else "killed"


OWN = {"provider-vanishes": Load.vanish, "join": Load.join, "leave": Load.leave}
