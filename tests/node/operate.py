#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/operate.md as its reader meets it: every block that needs no root is run, in order, by one
shell a machine, a machine being a folder; units are started by their own command lines. What needs
CometBFT is skipped where there is none. usage: operate.py ASSAY [TEST…]"""
import io
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from chain import OPEN, SOURCE, Node, Skip, main, until
from units import UNITS, comet_program, example, one, read

PAGE = (SOURCE / "docs/operate.md").read_text()
BLOCKS = dict(re.findall(r"^```sh ([a-z0-9-]+)\n(.*?)^```$", PAGE, re.M | re.S))
# Commands that talk to a node, whose port is another one here.
TALK = ("transfer*", "bond*", "unbond*", "model register*", "validator re*")
WRAPPER = """#!/bin/sh
case "$1 $2" in
init*) set -- "$@" --listen {listen} ;;
{talk}) set -- "$@" --node http://{listen} ;;
esac
exec {program} "$@"
"""


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    numbers = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return numbers


def cometbft():
    program = comet_program()
    if not program:
        raise Skip("no CometBFT: neither on the path nor from testnet/comet")
    return program


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def quietly(work):
    """What it returns, or None where nobody answers yet."""
    try:
        return work()
    except (OSError, KeyError, TypeError):
        return None


class Machine:
    """A folder in the place of /var/lib/assay, ports of its own, and a shell."""

    def __init__(self, assay, name, comet=None):
        self.assay, self.folder = assay, assay.folder / name
        self.api, self.rpc, self.p2p, self.prometheus = free_ports(4)
        tools = assay.folder / f"{name}.bin"
        tools.mkdir()
        self.folder.mkdir()
        (tools / "assay").write_text(WRAPPER.format(
            listen=f"127.0.0.1:{self.api}", program=shlex.quote(assay.program),
            talk="|".join(word.replace(" ", "\\ ") for word in TALK)))
        (tools / "assay").chmod(0o755)
        if comet:
            (tools / "cometbft").symlink_to(comet)
        self.environment = dict(assay.environment, PATH=f"{tools}:{os.environ['PATH']}",
                                NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
        self.shell = self.spawn("shell", ["bash", "-euo", "pipefail"], subprocess.PIPE)
        self.units = {}

    def spawn(self, name, words, stdout=None):
        """A process that ends with the test. Without a pipe, what it prints is in its log too."""
        log = open(f"{self.folder}.{name}.log", "w+b")
        process = subprocess.Popen(words, cwd=self.folder, env=self.environment,
                                   stdin=subprocess.PIPE, stdout=stdout or log, stderr=log,
                                   text=True)
        process.stdout = process.stdout or io.StringIO()
        process_of = Node.__new__(Node)
        process_of.assay, process_of.process, process_of.log = self.assay, process, log
        self.assay.nodes.append(process_of)
        return process_of

    def run(self, name, *changes, **variables):
        """A block of the page, and first what its reader would have set. Returns: its output."""
        text = BLOCKS[name].replace(":26650", f":{self.api}").replace(":26657", f":{self.rpc}")
        for old, new in changes:
            assert old in text, (name, old)
            text = text.replace(old, new)
        given = "".join(f"{key}={shlex.quote(str(value))}\n" for key, value in variables.items())
        self.shell.process.stdin.write(f"{given}{text}\necho 'block done'\n")
        self.shell.process.stdin.flush()
        lines = []
        for line in self.shell.process.stdout:
            if line == "block done\n":
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"block {name} failed:\n{''.join(lines)}{self.shell.said()}")

    def start(self, unit):
        """What its unit starts, with this machine's places instead of the usual ones."""
        line = one(read(SOURCE / f"dist/systemd/{unit}.service"), "Service", "ExecStart")
        values = dict(example(), ASSAY_ABCI=f"unix://{self.folder}/abci.sock",
                      ASSAY_COMET=f"http://127.0.0.1:{self.rpc}")
        words = [re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], word)
                 .replace("/var/lib/assay", str(self.folder)) for word in line.split()]
        words[0] = shutil.which(words[0], path=self.environment["PATH"])
        self.units[unit] = self.spawn(unit, words)
        if unit == "assay":
            until((self.folder / "abci.sock").exists, "the socket")
            self.start("cometbft")

    def status(self):
        return get(f"http://127.0.0.1:{self.api}/v1/status")

    def height(self):
        return quietly(lambda: self.status()["height"]) or 0

    def ask(self, path):
        return get(f"http://127.0.0.1:{self.rpc}/{path}")["result"]

    def signs(self):
        """The last height that its CometBFT knows, if its own key signed that."""
        key = json.loads((self.folder / "comet/config/priv_validator_key.json").read_text())
        commit = self.ask("commit")["signed_header"]["commit"]
        return int(commit["height"]) if any(
            signature["validator_address"] == key["address"] and signature["block_id_flag"] == 2
            for signature in commit["signatures"]) else 0

    def config(self, **members):
        path = self.folder / "node/config.json"
        path.write_text(json.dumps(dict(json.loads(path.read_text()), **members)))

    def state_sync(self, source, peers):
        """Joins with what a running machine tells of its chain."""
        self.run("each-peers", PEERS=peers)
        self.ports_set()
        trusted = dict(word.split("=") for word in source.run("any-trust").split())
        url = f"http://127.0.0.1:{source.rpc}"
        self.run("join-statesync", RPC1=url, RPC2=url, **trusted)
        self.start("assay")

    def ports_set(self):
        """CometBFT's own addresses, which no two machines share here, and faster blocks."""
        path = self.folder / "comet/config/config.toml"
        text = path.read_text()
        for old, new in (("tcp://127.0.0.1:26657", f"tcp://127.0.0.1:{self.rpc}"),
                         ("tcp://0.0.0.0:26656", f"tcp://127.0.0.1:{self.p2p}"),
                         ('listen_addr = ":26660"', f'listen_addr = "127.0.0.1:{self.prometheus}"'),
                         ('pprof_laddr = "localhost:6060"', 'pprof_laddr = ""'),
                         ('timeout_commit = "1s"', 'timeout_commit = "200ms"'),
                         # A block reaches the smaller validator before the vote that decides it.
                         ('gossip_sleep_duration = "100ms"', 'gossip_sleep_duration = "10ms"'),
                         ('discovery_time = "15s"', 'discovery_time = "5s"'),
                         ("addr_book_strict = true", "addr_book_strict = false"),
                         ("allow_duplicate_ip = false", "allow_duplicate_ip = true")):
            text = text.replace(old, new)
        path.write_text(text)


def test_the_page(assay):
    """Every block is root's or run by a test; the page's own units are sound, all named exist."""
    assert len(BLOCKS) == len(re.findall(r"^```sh", PAGE, re.M)) > 10
    runs = set(re.findall(r'\.run\("([a-z0-9-]+)"', Path(__file__).read_text()))
    mine = {name for name in BLOCKS if not name.startswith("root-")}
    assert runs == mine, runs ^ mine
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["bash", "-euc", BLOCKS["root-renew"].replace("/etc/systemd/system", folder)
                        .replace("ExecStart=assay ", f"ExecStart={assay.program} ")
                        .replace("systemctl ", ": ")], check=True)
        units_check(assay, sorted(Path(folder).iterdir()))


def units_check(assay, made):
    there = {path.stem for path in UNITS} | {path.name for path in made}
    for line in re.findall(r"systemctl (?:enable|disable) --now ([\w.-]+\w)", PAGE):
        assert line in there, line
    words = one(read(made[0]), "Service", "ExecStart").split()
    shown = assay.run(*words[1:3], "--help").out
    for word in words[3:]:
        assert not word.startswith("--") or f" {word} " in shown, word
    tool = shutil.which("systemd-analyze")
    if not tool:
        print("skipped: the page's own units: there is no systemd-analyze on this machine")
        return
    found = subprocess.run([tool, "verify", *made], capture_output=True, text=True, check=False)
    assert found.returncode == 0 and "assay" not in found.stderr, found.stderr


def test_names(_):
    """Metrics and params of the page are the code's and the rules'."""
    code = "".join(path.read_text() for folder in ("node/api", "node/workshop")
                   for path in (SOURCE / folder).glob("*.c"))
    for name in set(re.findall(r"`(assay_\w+)`", PAGE)):
        assert f'"{name}"' in code, name
    rules = (SOURCE / "spec/protocol.md").read_text()
    for name, default in re.findall(r"\*\*(\w+)\*\* \(([\d,]+)\)", PAGE):
        assert f"\n| {name} | {default} |" in rules, (name, default)


def test_one_machine(assay):
    """A chain of one machine, from nothing to a day like any other."""
    machine = Machine(assay, "solo")
    assert "prefill" in machine.run("any-measure", MODEL=SOURCE / "testnet/model")
    assert "\ngenesis 0x" in machine.run("solo-make")
    made = json.loads((machine.folder / "node/config.json").read_text())
    assert made["block_ms"] == 1000, made  # what the page reckons commit_blocks by
    machine.start("assay-solo")
    until(lambda: quietly(machine.status), "the node")
    shown = machine.run("solo-use")
    assert re.search("^health +healthy$", shown, re.M), shown
    shown = machine.run("any-day")
    assert "more than half: nothing is sent" in shown and "\nassay_healthy 1\n" in shown, shown
    machine.run("any-backup")
    [copy] = machine.folder.glob("copy-*")
    assert (copy / "operator.json").exists()
    assert machine.units["assay-solo"].term() == 0


def test_one_genesis(assay):
    """Two machines that make secrets of their own are on one chain, by its file."""
    one_machine, two = Machine(assay, "one"), Machine(assay, "two")
    hashes = genesis_share(one_machine, two)
    assert len(set(hashes)) == 1, hashes


def genesis_share(maker, *others):
    """Returns: the hash that each of them told. Two of them are the genesis's validators."""
    for name, machine in (("one", maker), ("two", others[0])):
        machine.run("each-secrets")
        shutil.copy(machine.folder / "me.json", maker.folder / f"{name}.json")
    # The chain goes on without the second one.
    told = [maker.run("maker-genesis", ("two.json=100", "two.json=20"))]
    for machine in others:
        shutil.copy(maker.folder / "node/genesis.json", machine.folder / "genesis.json")
        told.append(machine.run("join-home"))
    return [re.search(r"^genesis (0x\w+)$", text, re.M)[1] for text in told]


def peers_meet(*machines):
    """Each is told of all that came before it. Returns: what the next one is to be told."""
    peers = []
    for machine in machines:
        name = machine.run("each-comet").split()[-1]
        machine.run("each-peers", PEERS=",".join(peers))
        machine.ports_set()
        peers.append(f"{name}@127.0.0.1:{machine.p2p}")
    return ",".join(peers)


def test_several_machines(assay):
    """Two that make a chain, one that joins by its state and becomes a validator, one that is lost
    and comes back."""
    comet = cometbft()
    maker, other, late = (Machine(assay, name, comet) for name in ("one", "two", "three"))
    genesis_share(maker, other)
    maker.config(snapshot_blocks=20, snapshot_keep=10)
    peers = peers_meet(maker, other)
    for machine in (maker, other):
        machine.start("assay")
    until(lambda: quietly(other.signs), "the second one's signature")
    until(lambda: list(maker.folder.glob("node/snapshots/*0")), "a snapshot")
    for unit in ("cometbft", "assay"):  # the second machine is lost
        other.units[unit].kill()
    late.run("each-secrets")
    again = Machine(assay, "again", comet)
    for name, source in (("genesis.json", maker), ("operator.json", other)):
        shutil.copy(source.folder / "node" / name, again.folder / name)
    lost_at = maker.height() + 2
    again.run("lost-home", HEIGHT=lost_at)
    shutil.copy(maker.folder / "node/genesis.json", late.folder / "genesis.json")
    late.run("join-home")
    late.run("each-comet")
    reached = maker.height()
    for machine in (late, again):
        machine.state_sync(maker, peers.split(",", 1)[0])
    until(lambda: (late.height() or 0) > reached, "the state")
    assert int(late.ask("status")["sync_info"]["earliest_block_height"]) > 5
    until(lambda: (quietly(again.signs) or 0) > lost_at, "the lost machine's signature")
    address = json.loads((late.folder / "me.json").read_text())["address"]
    assay.good("transfer", "--to", address, "--amount", 30 * OPEN, "--node",
               f"http://127.0.0.1:{maker.api}", "--key", maker.folder / "verify.key")
    until(lambda: get(f"http://127.0.0.1:{late.api}/v1/account/{address}")["balance"],
          "the money, at a node that may be a block behind")
    late.run("join-validator")
    there = get(f"http://127.0.0.1:{late.api}/v1/validator/{address}")
    assert there["beacon"]["pending"] > 0, there


def test_one_machine_becomes_several(assay):
    """A chain of one machine goes on behind CometBFT, with one that has a copy of its state and one
    that takes it from them."""
    comet = cometbft()
    first, copied, late = (Machine(assay, name, comet) for name in ("one", "two", "three"))
    first.run("solo-make", ("67108864", "100000"))
    first.start("assay-solo")
    until(lambda: quietly(first.status), "the node")
    first.run("any-measure", MODEL=SOURCE / "testnet/model")
    first.run("solo-use")
    before = first.height()
    assert first.units["assay-solo"].term() == 0
    first.run("solo-move")
    first.config(snapshot_blocks=20, snapshot_keep=10)
    shutil.copytree(first.folder / "for-others", copied.folder / "node")
    copied.config(listen=f"127.0.0.1:{copied.api}")
    copied.run("each-secrets")
    copied.run("each-comet")
    name = subprocess.run([comet, "show-node-id", "--home", first.folder / "comet"], check=True,
                          capture_output=True, text=True).stdout.strip()
    for machine, peers in ((first, ""), (copied, f"{name}@127.0.0.1:{first.p2p}")):
        machine.run("each-peers", PEERS=peers)
        machine.ports_set()
        machine.start("assay")
    until(lambda: copied.height() > before + 2, "blocks after the move")
    assert int(copied.ask("status")["sync_info"]["earliest_block_height"]) == before + 1
    until(lambda: list(first.folder.glob("node/snapshots/*0")), "a snapshot")
    shutil.copy(first.folder / "node/genesis.json", late.folder / "genesis.json")
    late.run("join-home")
    late.run("each-comet")
    shutil.copy(first.folder / "comet/config/genesis.json", late.folder / "comet/config")
    reached = first.height()
    late.state_sync(first, f"{name}@127.0.0.1:{first.p2p}")
    until(lambda: (late.height() or 0) > reached, "the state")


if __name__ == "__main__":
    main(globals())
