# SPDX-License-Identifier: Apache-2.0
"""The cluster as testnet/cluster left it running: its nodes, its network, and the program. Read
from one document, cluster.json."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from configure import configure
from rpc import Away, Comet, get

STOP_SECONDS = 25
COMMAND_SECONDS, AUDIT_SECONDS = 90, 900


class Node:
    """One validator: a unit of application and engine, which anything may happen to."""

    def __init__(self, entry, home):
        self.name, self.owner, self.api = entry["name"], entry["owner"], entry["api"]
        self.comet, self.rpc_for_peers = Comet(entry["rpc"]), entry["rpc_for_peers"]
        self.words, self.program = entry["unit"], entry["comet"]
        self.home, self.run = home / self.name, home / "run" / self.name
        self.logs, self.unit_pid = home / "logs", entry["pid"]
        self.unreliable = False
        self.harms = []  # [sizes of the logs as its state or disk was harmed, and later]

    def status(self, seconds=5):
        return get(f"{self.api}/v1/status", seconds)

    def pid(self, part):
        """part: "node" or "engine". None: not running at the moment."""
        name = self.name if part == "node" else f"{self.name}-comet"
        try:
            return int((self.run / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return None

    def signal(self, number, *parts):
        """Sends a signal to what runs of the parts; returns to how many."""
        sent = 0
        for part in parts:
            pid = self.pid(part)
            try:
                if pid:
                    os.kill(pid, number)
                    sent += 1
            except ProcessLookupError:
                pass
        return sent

    def stop(self):
        """Ends the unit, as `systemctl stop` does."""
        self.signal(signal.SIGCONT, "node", "engine")
        os.kill(self.unit_pid, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        while alive(self.unit_pid):
            if time.monotonic() > end:
                os.kill(self.unit_pid, signal.SIGKILL)  # its children die with it
            time.sleep(0.05)

    def start(self, *extra):
        """extra: options of `assay node`."""
        at = self.words.index("--") + 4  # after: -- NAME assay node
        words = [*self.words[:1], "--with", str(os.getppid()), *self.words[1:at], *extra,
                 *self.words[at:]]
        with open(self.logs / f"{self.name}-unit.out", "ab") as log:
            child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     start_new_session=True)
        self.unit_pid = child.pid
        (self.run / "unit.pid").write_text(f"{child.pid}\n")

    def forget_state(self):
        shutil.rmtree(self.home / "assay/state")

    def forget_blocks(self):
        """The engine's blocks and state, but not what it has signed."""
        subprocess.run([self.program, "reset-state", "--home", str(self.home / "comet")],
                       check=True, capture_output=True)

    def engine_address(self):
        """By which headers name it."""
        key = self.home / "comet/config/priv_validator_key.json"
        return json.loads(key.read_text())["address"]

    def take_snapshot_of(self, peers):
        """Sets the engine to begin with a snapshot, as long as it has no blocks, trusting what the
        first of the peers says of its second block."""
        trusted = peers[0].comet.ask("commit?height=2")["signed_header"]["commit"]
        configure(self.home / "comet", {
            "statesync.enable": True, "statesync.trust_height": 2,
            "statesync.rpc_servers": ",".join(peer.rpc_for_peers for peer in peers),
            "statesync.trust_hash": trusted["block_id"]["hash"], "statesync.discovery_time": "5s"})

    def replay_all(self):
        """Sets the engine to begin with block 1, as long as it has no blocks."""
        configure(self.home / "comet", {"statesync.enable": False})

    def first_block(self):
        """The first block that its engine has; None: no answer, or none yet."""
        try:
            return self.comet.first() or None
        except Away:
            return None

    def log_has(self, text, since):
        """Whether the application or the engine wrote this since the logs had these sizes."""
        for path, size in since.items():
            with open(path, "rb") as file:
                file.seek(size)
                if text.encode() in file.read():
                    return True
        return False

    def harm_begins(self):
        self.harms.append([self.log_sizes(), None])

    def harm_ends(self):
        """What its logs say from now on is its own fault again."""
        if self.harms and not self.harms[-1][1]:
            self.harms[-1][1] = self.log_sizes()

    def lines(self, harmed):
        """What its logs say that was written while it was harmed, or the rest."""
        for path, size in self.log_sizes().items():
            data, parts, at = path.read_bytes(), [], 0
            for since, until in self.harms:
                parts.append((at, since[path]))
                at = until[path] if until else size
                if harmed:
                    parts[-1] = since[path], at
            if not harmed:
                parts.append((at, size))
            for begin, end in parts:
                yield from data[begin:end].decode(errors="replace").splitlines()

    def halts(self):
        """Why the engine halted, as often as it did while nobody harmed it; that its application
        was killed in the midst of a call is no reason: the unit starts both again."""
        killed = ("read message: ", "write to buffer: ", "flush buffer: ")
        return [line for line in self.lines(harmed=False)
                if "CONSENSUS FAILURE" in line and not any(words in line for words in killed)]

    def ends(self, harmed):
        """With what its processes have ended, or that the application had to be killed."""
        return [f"{self.name}: {line.partition(' ')[2]}" for line in self.lines(harmed)
                if re.search(rf" ended with -?\d+$| {self.name} did not end in ", line)]

    def log_sizes(self):
        names = (f"{self.name}.out", f"{self.name}.err", f"{self.name}-comet.out",
                 f"{self.name}-comet.err", f"{self.name}-unit.out")
        return {self.logs / name: (self.logs / name).stat().st_size for name in names}


def alive(pid):
    """Whether the process runs; children that ended are taken note of."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Cluster:
    def __init__(self, path):
        document = json.loads(Path(path).read_text())
        self.document = document
        self.home, self.assay = Path(document["home"]), document["assay"]
        self.seed, self.minutes = document["seed"], document["minutes"]
        self.nodes = [Node(entry, self.home) for entry in document["nodes"]]
        self.names = [node.name for node in self.nodes]
        self.address, self.url = document["address"], document["url"]
        self.root, self.pid = document["root"], document["pid"]
        self.wire, self.small_disk = document["wire"], document["small_disk"]

    def links(self, **faults):
        """Sets the network's faults, all at once; none given: none."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.connect(self.wire)
            with wire.makefile("rw") as file:
                file.write(json.dumps(faults) + "\n")
                file.flush()
                return json.loads(file.readline())

    def height(self):
        """The highest that any node answers with, 0 if none does."""
        return max(height or 0 for height in self.heights())

    def heights(self):
        """Each node's, None for one that does not answer."""
        found = []
        for node in self.nodes:
            try:
                found.append(node.status(seconds=2)["height"])
            except (Away, KeyError):
                found.append(None)
        return found

    def audit(self, node):
        """Replays every block that a node has; returns the report, or None with its sentence."""
        return self.run([self.assay, "audit", "--home", str(self.home / "chain"), "--comet",
                         node.comet.url, "--rerun", "none", "--json"], AUDIT_SECONDS)

    def sign(self, who, node, *words, seconds=COMMAND_SECONDS):
        """Runs a command of the program as someone."""
        return self.run([self.assay, *map(str, words), "--node", node.api, "--key",
                         str(self.home / f"keys/{who}.json"), "--password-file",
                         str(self.home / "password"), "--json"], seconds)

    @staticmethod
    def run(command, seconds):
        """Runs a command. Returns its JSON, or None with its sentence: (document, error). Every
        failure has one."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds,
                                  check=False)
        except subprocess.TimeoutExpired:
            return None, f"no answer in {seconds} s"
        if done.returncode != 0:
            said = done.stderr.strip() or done.stdout.strip()
            return None, said[-200:] or f"exit code {done.returncode}"
        return json.loads(done.stdout), ""
