#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The network of a cluster in network namespaces, one a node, with faults. usage:
    wire.py [--with PID] NODES SOCKET
Each node's namespace has a TUN device with the address 192.168.77.(1 + node); this process carries
the packets between them, and so it can lose, delay and cut without any module of the kernel. The
node's servers are reached from outside by a pair of interfaces that knows no faults. Prints a line
of JSON a node: {netns, inside, peer}: reach it at inside, its peers at peer.
A line of JSON at SOCKET sets all faults: {"seed", "cut": [[a, b]…], "slow": [a…], "delay_ms",
"loss_ppm"}, and is answered with the packets carried, cut and lost so far. SIGTERM removes all."""
import argparse
import ctypes
import fcntl
import heapq
import json
import os
import random
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
PEER_NET = "192.168.77."
MTU = 1500
BURST = 64  # packets of one device before the others have their turn
SIGNALS = signal.SIGTERM, signal.SIGINT, signal.SIGHUP
QUEUE_MAX = 100000  # delayed packets; beyond it they are lost, as in a full router


def ip(*words, netns=None):
    command = ["ip", *(["-n", netns] if netns else []), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def enter(netns_fd):
    if ctypes.CDLL(None, use_errno=True).setns(netns_fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def tun_open(netns):
    """A TUN device of that namespace, held by this process."""
    home, away = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{netns}",
                                                                    os.O_RDONLY)
    enter(away)
    try:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"peer0", IFF_TUN | IFF_NO_PI))
    finally:
        enter(home)
        os.close(home)
        os.close(away)
    return fd


def free_prefix():
    """Ten-net of which no route of this machine knows anything."""
    routes = subprocess.run(["ip", "-4", "route", "show", "table", "all"], check=True,
                            capture_output=True, text=True).stdout
    for step in range(200 * 250):
        number = (os.getpid() * 7 + step) % (200 * 250)
        prefix = f"10.{50 + number // 250}.{1 + number % 250}."
        if prefix not in routes:
            return prefix
    raise OSError("no free network below 10.0.0.0/8")


class Namespaces:
    def __init__(self, count):
        self.names = [f"assay-{os.getpid()}-{node}" for node in range(count)]
        self.made, self.tuns = [], []

    def make(self):
        prefix = free_prefix()
        for node, name in enumerate(self.names):
            ip("netns", "add", name)
            self.made.append(name)
            outside, inside = f"{prefix}{4 * node + 1}", f"{prefix}{4 * node + 2}"
            link = f"as{os.getpid()}x{node}"
            ip("link", "add", link, "type", "veth", "peer", "name", "host0", "netns", name)
            ip("addr", "add", f"{outside}/30", "dev", link)
            ip("link", "set", link, "up")
            ip("link", "set", "lo", "up", netns=name)
            ip("addr", "add", f"{inside}/30", "dev", "host0", netns=name)
            ip("link", "set", "host0", "up", netns=name)
            self.tuns.append(tun_open(name))
            peer = f"{PEER_NET}{node + 1}"
            ip("addr", "add", f"{peer}/24", "dev", "peer0", netns=name)
            ip("link", "set", "peer0", "mtu", str(MTU), "up", netns=name)
            print(json.dumps({"netns": name, "inside": inside, "peer": peer}), flush=True)

    def remove(self):
        for name in self.made:  # its end of the pair, and with it ours, goes with the namespace
            subprocess.run(["ip", "netns", "del", name], check=False)


class Wire:
    """Carries packets between the devices; what is delayed waits in a heap by time."""

    def __init__(self, tuns, path):
        self.tuns, self.waiting, self.serial = tuns, [], 0
        self.count = {"carried": 0, "cut": 0, "lost": 0}
        self.set({})
        self.selector = selectors.DefaultSelector()
        for node, fd in enumerate(tuns):
            self.selector.register(fd, selectors.EVENT_READ, node)
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        Path(path).unlink(missing_ok=True)
        self.server.bind(str(path))
        self.server.listen()
        self.selector.register(self.server, selectors.EVENT_READ, "control")

    def set(self, faults):
        self.cut = {frozenset(pair) for pair in faults.get("cut", [])}
        self.slow = set(faults.get("slow", []))
        self.delay = faults.get("delay_ms", 0) / 1000
        self.loss = faults.get("loss_ppm", 0) / 1e6
        self.random = random.Random(faults.get("seed", 0))

    def put(self, target, packet):
        try:
            os.write(self.tuns[target], packet)
            self.count["carried"] += 1
        except OSError:
            self.count["lost"] += 1

    def take(self, source, packet):
        if len(packet) < 20 or packet[0] >> 4 != 4:
            return  # IPv6's own chatter
        target = packet[19] - 1
        if not 0 <= target < len(self.tuns) or target == source:
            return
        if frozenset((source, target)) in self.cut:
            self.count["cut"] += 1
        elif source not in self.slow and target not in self.slow:
            self.put(target, packet)
        elif self.random.random() < self.loss or len(self.waiting) >= QUEUE_MAX:
            self.count["lost"] += 1
        else:
            self.serial += 1
            heapq.heappush(self.waiting,
                           (time.monotonic() + self.delay, self.serial, target, packet))

    def read(self, source):
        for _ in range(BURST):
            try:
                self.take(source, os.read(self.tuns[source], MTU + 64))
            except BlockingIOError:
                return

    def control(self):
        peer, _ = self.server.accept()
        with peer, peer.makefile("rw") as file:
            line = file.readline().strip()
            if line:
                self.set(json.loads(line))
            file.write(json.dumps(self.count) + "\n")

    def run(self):
        while True:
            now = time.monotonic()
            while self.waiting and self.waiting[0][0] <= now:
                _, _, target, packet = heapq.heappop(self.waiting)
                self.put(target, packet)
            timeout = self.waiting[0][0] - now if self.waiting else 0.5
            for key, _ in self.selector.select(max(timeout, 0)):
                if key.data == "control":
                    self.control()
                else:
                    self.read(key.data)
            yield


def hear(what):
    for number in SIGNALS:
        signal.signal(number, what)


def end(*_):
    hear(signal.SIG_IGN)  # a second one must not cut short what this one begins
    sys.exit(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nodes", type=int)
    parser.add_argument("socket")
    parser.add_argument("--with", dest="with_pid", type=int)
    options = parser.parse_args()
    hear(end)
    namespaces = Namespaces(options.nodes)
    try:
        namespaces.make()
        for _ in Wire(namespaces.tuns, options.socket).run():
            if options.with_pid and not Path(f"/proc/{options.with_pid}").exists():
                break
    finally:
        hear(signal.SIG_IGN)
        namespaces.remove()


if __name__ == "__main__":
    main()
