#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""testnet/nodes/wire.py does to packets what it says: carries, delays, loses and cuts them, and
leaves nothing behind. usage: wire.py SOURCE_ROOT. Needs root, ip and /dev/net/tun."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PORT = 4000
ECHO = f"""
import socket
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
held.bind(("0.0.0.0", {PORT}))
print("ready", flush=True)
while True:
    data, peer = held.recvfrom(2000)
    held.sendto(data, peer)
"""
# How many of 200 datagrams came back, and the quickest way there and back in ms.
PROBE = f"""
import select, socket, sys, time
held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sent, best, back = [], 1e9, 0
while back < 200 and (len(sent) < 200 or time.monotonic() < sent[-1] + 1.5):
    if len(sent) < 200:
        sent.append(time.monotonic())
        held.sendto((len(sent) - 1).to_bytes(4, "big") + b"." * 996, (sys.argv[1], {PORT}))
    if select.select([held], [], [], 0.002)[0]:
        data = held.recv(2000)
        back += 1
        best = min(best, time.monotonic() - sent[int.from_bytes(data[:4], "big")])
        if len(data) != 1000:
            sys.exit("a datagram changed its size")
print(back, best * 1000)
"""


class Net:
    def __init__(self, root, folder):
        self.socket = f"{folder}/wire.sock"
        self.process = subprocess.Popen([root / "testnet/nodes/wire.py", "3", self.socket],
                                        stdout=subprocess.PIPE, text=True)
        self.nodes = [json.loads(self.process.stdout.readline()) for _ in range(3)]
        end = time.monotonic() + 10
        while not Path(self.socket).exists():
            assert time.monotonic() < end, "no control socket"
            time.sleep(0.02)
        self.echoes = [self.inside(node, ECHO) for node in (1, 2)]
        for echo in self.echoes:
            assert echo.stdout.readline() == "ready\n"

    def inside(self, node, text, *words):
        return subprocess.Popen(["ip", "netns", "exec", self.nodes[node]["netns"], sys.executable,
                                 "-c", text, *words], stdout=subprocess.PIPE, text=True)

    def faults(self, **faults):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as held:
            held.connect(self.socket)
            with held.makefile("rw") as file:
                file.write(json.dumps(faults) + "\n")
                file.flush()
                return json.loads(file.readline())

    def probe(self, target):
        """From node 0: datagrams that came back of 200, quickest way and back in ms."""
        probe = self.inside(0, PROBE, self.nodes[target]["peer"])
        back, best = probe.communicate(timeout=30)[0].split()
        return int(back), float(best)

    def close(self):
        for echo in self.echoes:
            echo.kill()
            echo.wait()
        self.process.send_signal(signal.SIGTERM)
        self.process.send_signal(signal.SIGTERM)  # the second must not stop the first's work
        assert self.process.wait(20) == 0


def check(net):
    back, best = net.probe(1)
    assert back >= 195 and best < 100, (back, best)  # a busy machine may lose a few
    net.faults(slow=[1], delay_ms=150, loss_ppm=0)
    back, best = net.probe(1)
    assert back >= 195 and 300 <= best < 500, (back, best)
    back, best = net.probe(2)
    assert back >= 195 and best < 100, "node 2 is not slow"
    before = net.faults(slow=[0], delay_ms=1, loss_ppm=300000, seed=5)
    back, _ = net.probe(1)
    after = net.faults(cut=[[1, 0]])
    # 0.7 there and 0.7 back: 98 of 200, and five standard deviations of 7.
    assert 63 <= back <= 133, back
    assert after["lost"] - before["lost"] >= 200 - back - 5, (before, after)
    assert net.probe(1)[0] == 0, "cut"
    assert net.probe(2)[0] >= 195, "not cut"
    assert net.faults()["cut"] - after["cut"] == 200
    assert net.probe(1)[0] >= 195, "healed"


def main():
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists() or not shutil.which("ip"):
        print("skipped: needs root, ip and /dev/net/tun")
        return 77
    root = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        try:
            nets = [Net(root, one), Net(root, two)]
        except json.JSONDecodeError:
            print("skipped: this machine makes no network namespaces")
            return 77
        try:
            check(nets[0])
            assert nets[1].probe(2)[0] >= 195, "two at once"
        finally:
            for net in nets:
                net.close()
    left = os.listdir("/run/netns")
    assert not [node["netns"] for net in nets for node in net.nodes if node["netns"] in left]
    print("a wire carries, delays, loses, cuts and goes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
