# SPDX-License-Identifier: Apache-2.0
"""A real node and its command line, for the tests beside this file: each runs as
`SCRIPT ASSAY [NAME…]` with the program to test, and runs its functions called test_… (or those
named). A failure is an exception; exit code 77 means that the machine lacks something."""
import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
OPEN = 10 ** 9
PASSWORD = "test"
RULES = (SOURCE / "spec/formats.md").read_text()
STATUSES = {name: int(number) for number, name in re.findall(
    r"\| (\d+) \| ([A-Z_]+) (?=\|)", RULES.split("**F-2**")[0])}  # F-1
SECRETS = {"version": 1, "ed25519_seed": "11" * 32, "beacon_seed": "22" * 32,
           "beacon_length": 100000}


class Skip(Exception):
    """The machine lacks what the test needs."""


class Replies(http.server.BaseHTTPRequestHandler):
    """A server of a test's own: answers with bytes, and logs nothing."""
    def reply(self, status, data):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(OSError):  # whoever asked may have gone
            self.wfile.write(data)

    def log_message(self, *words):
        pass


class Result:
    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"{' '.join(self.argv)}: exit {self.code}\n{self.out}{self.err}"


class Assay:
    """The program, run in a folder of its own."""

    def __init__(self, program):
        self.program = str(Path(program).resolve())
        self.folder = Path(tempfile.mkdtemp(prefix="assay-node-"))
        self.environment = dict(os.environ, ASSAY_PASSWORD=PASSWORD)
        self.nodes = []

    def close(self):
        for node in self.nodes:
            node.kill()
            node.log.close()
        shutil.rmtree(self.folder)

    def run(self, *words, stdin=subprocess.DEVNULL, timeout=120, **options):
        """Runs one command to its end."""
        argv = [self.program, *map(str, words)]
        done = subprocess.run(argv, cwd=self.folder, env=self.environment, stdin=stdin,
                              capture_output=True, text=True, errors="surrogateescape",
                              timeout=timeout, check=False, **options)
        return Result(list(map(str, words)), done.returncode, done.stdout, done.stderr)

    def good(self, *words, **options):
        """Runs one command with --json, which must succeed. Returns: its document."""
        result = self.run(*words, "--json", **options)
        assert result.code == 0, result
        assert result.out.count("\n") == 1, result
        return result.json()

    def bad(self, code, name, part, *words, **options):
        """Runs one command with --json, which must fail as described, in both forms."""
        result = self.run(*words, "--json", **options)
        assert result.code == code, f"expected {code} {name}: {result}"
        assert result.out.count("\n") == 1, result
        error = result.json()["error"]
        assert error["name"] == name and part in error["text"], f"expected {name} {part}: {result}"
        assert set(error) <= {"code", "name", "reject", "text", "next"}, result
        assert error["code"] == (error["reject"] or STATUSES[name]), result
        assert f"assay: error {error['code']}: {error['text']}" in result.err, result
        assert not re.search(r"[^.]\.$", error["text"]), result
        return error

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def key(self, name):
        """A keystore whose secret follows from its name. Returns: its address."""
        path = self.folder / f"{name}.key"
        if not path.exists():
            secret = "".join(f"{byte:02x}" for byte in name.encode()).rjust(64, "3")
            self.write(f"{name}.secret", secret)
            self.good("key", "make", "--out", path, "--secret-file", f"{name}.secret", "--light")
        return self.good("key", "show", path)["address"]

    def init(self, home="home", accounts=(), params=None, **options):
        """A chain of one operator, named "operator". Returns: what assay init tells."""
        if not (self.folder / "secrets.json").exists():
            self.write("secrets.json", SECRETS)
        self.write("params.json", params or {})
        words = ["init", "--home", home, "--operator", self.key("operator"), "--secrets",
                 "secrets.json", "--time", 1700000000, "--listen", "127.0.0.1:0", "--params",
                 "params.json", "--block-ms", 20, "--testnet"]
        for name in accounts:
            words += ["--account", f"{self.key(name)}={1000 * OPEN}"]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", value]
        return self.good(*words)

    def node(self, *words, home="home", **options):
        node = Node(self, home, words, options)
        self.nodes.append(node)
        return node


class Node:
    """A running node. Give `fails=True` to get one that is expected to end by itself."""

    def __init__(self, assay, home, words, options):
        fails = options.pop("fails", False)
        self.assay = assay
        self.log = open(assay.folder / f"{home.replace('/', '_')}.log", "w+b")
        argv = [assay.program, "node", "--home", home, "--json", *map(str, words)]
        self.process = subprocess.Popen(argv, cwd=assay.folder, env=assay.environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True, **options)
        line = self.process.stdout.readline()
        self.ready = json.loads(line) if line else None
        if fails:
            return
        assert self.ready and "url" in self.ready, f"the node does not start: {line}{self.said()}"
        self.url = self.ready["url"]

    def said(self):
        self.log.flush()
        return Path(self.log.name).read_text()

    def get(self, path, timeout=90):
        return self.ask(path, timeout=timeout)[1]

    def ask(self, path, body=None, method=None, timeout=90):
        """Returns: HTTP status and document (bytes if it is no JSON)."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return reply.status, content(reply)
        except urllib.error.HTTPError as reply:
            return reply.code, content(reply)

    def tx(self, *words, key="alice", expect=0):
        """Sends one transaction by the command line. Returns: the Result."""
        result = self.assay.run(*words, "--node", self.url, "--key", f"{key}.key", "--json")
        assert result.code == expect, f"expected {expect}: {result}"
        return result

    def height(self):
        return self.get("/v1/status")["height"]

    def balance(self, address):
        return int(self.get(f"/v1/account/{address}")["balance"])

    def blocks(self, count, key="filler"):
        """Makes blocks by sending transfers that nobody minds."""
        target = self.height() + count
        while self.height() < target:
            self.tx("transfer", "--to", "0x" + "99" * 20, "--amount", 1, key=key)

    def term(self, timeout=60):
        """Ends the node as an operator would. Returns: its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout=60):
        code = self.process.wait(timeout)
        self.rest = self.process.stdout.read()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def content(reply):
    data = reply.read()
    return json.loads(data) if "json" in (reply.headers.get("Content-Type") or "") else data


def supply_holds(status):
    parts = status["supply"]
    total = sum(int(parts[name]) for name in parts if name != "genesis")
    assert total == int(parts["genesis"]), status


def until(condition, what, seconds=60):
    """Waits for a condition. Returns: its first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


def main(tests, argv=None):
    """Runs the test_… functions of a module's globals."""
    argv = argv or sys.argv
    if len(argv) < 2:
        sys.exit(f"usage: {argv[0]} ASSAY [TEST…]")
    names = argv[2:] or [name for name in tests if name.startswith("test_")]
    ran = 0
    for name in names:
        with contextlib.closing(Assay(argv[1])) as assay:
            try:
                tests[name](assay)
                ran += 1
                print(f"{name}: passed", flush=True)
            except Skip as why:
                print(f"skipped: {name}: {why}", flush=True)
            except BaseException:
                print(f"{name}: FAILED", flush=True)
                for node in assay.nodes:
                    print(node.said())
                raise
    sys.exit(0 if ran else 77)
