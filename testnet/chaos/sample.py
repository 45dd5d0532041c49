# SPDX-License-Identifier: Apache-2.0
"""Looks at every node's state, several times a second, as long as it is told to."""
import threading
from collections import defaultdict

from rpc import Away

PAUSE = 0.15


class Sampler:
    """seen[height][node] = state root, as the node itself served it; supply that did not add up is
    kept whole. A node that is told to lie about its state is not asked, nor one whose state is
    damaged."""

    def __init__(self, cluster):
        self.nodes, self.halt = cluster.nodes, threading.Event()
        self.seen, self.wrong_supply = defaultdict(lambda: defaultdict(set)), []
        self.answers, self.lock, self.threads = 0, threading.Lock(), []

    def start(self):
        for node in self.nodes:
            thread = threading.Thread(target=self.look, args=(node,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def stop(self):
        self.halt.set()
        for thread in self.threads:
            thread.join(10)

    def look(self, node):
        while not self.halt.wait(PAUSE):
            unreliable = node.unreliable
            try:
                status = node.status(seconds=2)
            except Away:
                continue
            if "height" in status and not unreliable and not node.unreliable:
                self.take(node.name, status)

    def take(self, name, status):
        supply = status["supply"]
        parts = sum(value for key, value in supply.items() if key != "genesis")
        with self.lock:
            self.answers += 1
            self.seen[status["height"]][name].add(status["state_root"])
            if parts != supply["genesis"]:
                self.wrong_supply.append({"node": name, "height": status["height"]} | supply)

    def split(self):
        """Heights at which two answers differ."""
        return [height for height, by in sorted(self.seen.items())
                if len(set().union(*by.values())) > 1]

    def shared(self):
        """How many heights more than one node was seen at."""
        return sum(len(by) > 1 for by in self.seen.values())
