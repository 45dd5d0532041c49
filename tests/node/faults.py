#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What happens to a running node: each fault has its exit code (F-9) and its sentence, and nothing
that was acknowledged is lost. usage: faults.py ASSAY [TEST…]"""
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from abci import EXCEPTION, Abci
from chain import Skip, main, supply_holds, until

AA = "0x" + "aa" * 20


def chain(assay, *words, **options):
    assay.key("alice")
    assay.init(accounts=["alice"])
    return assay.node(*words, **options)


def transfer(node, wait_ms=30000):
    return node.tx("transfer", "--to", AA, "--amount", 1, "--wait-ms", wait_ms).json()


def ends(assay, code, name, part, *words, home="home", **options):
    """A node that cannot start says so in both forms."""
    node = assay.node(*words, home=home, fails=True, **options)
    assert node.wait() == code, node.said()
    error = node.ready["error"]
    assert error["name"] == name and part in error["text"], error
    assert f"assay: error {error['code']}: {error['text']}" in node.said(), node.said()
    node.kill()
    return error


def works(assay, amount):
    """The home runs, and has everything that was acknowledged."""
    node = assay.node()
    assert node.balance(AA) >= amount, (node.balance(AA), amount)
    transfer(node)
    supply_holds(node.get("/v1/status"))
    assert node.term() == 0


def test_port_in_use(assay):
    chain(assay).term()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ends(assay, 4, "BUSY", f"cannot listen on {address}: Address already in use", "--listen",
             address)
    works(assay, 0)


def test_bad_listen_addresses(assay):
    chain(assay).term()
    ends(assay, 2, "USAGE", '"nowhere" is not HOST:PORT', "--listen", "nowhere")
    ends(assay, 2, "USAGE", "does not name an IPv4", "--listen", "example.org:1")
    ends(assay, 4, "IO", "cannot listen on 192.0.2.1:0", "--listen", "192.0.2.1:0")
    if not loopback_six():
        print("skipped: listening on IPv6: this machine has no ::1")
        return
    node = assay.node("--listen", "[::1]:0")
    assert node.url.startswith("http://[::1]:") and node.height() == 0
    assert node.term() == 0


def loopback_six():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_misbehaviour_is_for_testnets_of_several(assay):
    chain(assay).term()
    ends(assay, 2, "USAGE", "needs --engine abci", "--misbehave", "wrong-app-hash")
    ends(assay, 2, "USAGE", "known are wrong-app-hash and no-beacon", "--misbehave", "sloth",
         "--engine", "abci")
    genesis = assay.folder / "home/genesis.json"
    genesis.write_text(genesis.read_text().replace('"testnet": true', '"testnet": false'))
    shutil.rmtree(assay.folder / "home/state")
    ends(assay, 3, "FORBIDDEN", "is for chains whose genesis says testnet", "--misbehave",
         "no-beacon", "--engine", "abci")


def test_two_nodes_on_one_home(assay):
    node = chain(assay)
    transfer(node)
    ends(assay, 4, "BUSY", "home/state is in use by another process")
    transfer(node)  # the first is not disturbed
    assert node.term() == 0
    works(assay, 2)


def test_homes_that_are_none(assay):
    chain(assay).term()
    error = ends(assay, 3, "NOT_FOUND", "none/config.json", home="none")
    assert error["next"] == "assay init --help", error
    home = assay.folder / "home"
    whole = {name: (home / name).read_text() for name in
             ("config.json", "genesis.json", "operator.json")}
    config = json.loads(whole["config.json"])
    genesis = json.loads(whole["genesis.json"])
    operator = json.loads(whole["operator.json"])
    for name, document, code, status, part in (
            ("config.json", dict(config, version=2), 3, "VERSION", "layout version 2"),
            ("config.json", dict(config, colour="blue"), 2, "CONFIG", "unknown member \"colour\""),
            ("config.json", dict(config, body_max=1), 2, "CONFIG", "body_max is 1, limits 1024"),
            ("config.json", dict(config, listen="here"), 2, "CONFIG", "\"here\" is not HOST:PORT"),
            ("genesis.json", dict(genesis, version=2), 3, "VERSION", "genesis version 2"),
            ("genesis.json", dict(genesis, name="other"), 3, "MISMATCH", "belongs to the chain"),
            ("genesis.json", None, 3, "NOT_FOUND", "genesis.json"),
            ("operator.json", dict(operator, version=2), 3, "VERSION", "version 2"),
            ("operator.json", dict(operator, ed25519_seed="33" * 32), 3, "MISMATCH",
             "is not the key of the genesis's operator"),
            ("operator.json", dict(operator, beacon_length=0), 3, "RANGE", "beacon_length is 0"),
            ("operator.json", None, 3, "NOT_FOUND", "operator.json")):
        if document is None:
            (home / name).unlink()
        else:
            (home / name).write_text(json.dumps(document))
            os.chmod(home / name, 0o600)
        ends(assay, code, status, part)
        (home / name).write_text(whole[name])
        os.chmod(home / name, 0o600)
    os.chmod(home / "operator.json", 0o640)
    ends(assay, 4, "PERMISSION", "has mode 640, others may read it; chmod 600")
    os.chmod(home / "operator.json", 0o600)
    works(assay, 0)


def test_home_of_another_chain(assay):
    node = chain(assay)
    transfer(node)
    assert node.term() == 0
    assay.init(home="other", accounts=["alice"], name="other")
    other = assay.node(home="other")
    transfer(other)
    assert other.term() == 0
    home, away = assay.folder / "home", assay.folder / "away"
    (home / "state").rename(away)
    shutil.copytree(assay.folder / "other/state", home / "state")
    ends(assay, 3, "MISMATCH", "the store belongs to the chain of genesis")
    shutil.rmtree(home / "state")
    away.rename(home / "state")
    (home / "blocks").rename(away)
    shutil.copytree(assay.folder / "other/blocks", home / "blocks")
    # The operator's key is the same: only the contents tell.
    ends(assay, 4, "CORRUPT", "")
    shutil.rmtree(home / "blocks")
    ends(assay, 4, "CORRUPT", "")  # no blocks under a state that has some
    shutil.rmtree(home / "blocks", ignore_errors=True)
    away.rename(home / "blocks")
    works(assay, 1)


def test_missing_permission(assay):
    chain(assay).term()
    home = assay.folder / "home"
    options = {}
    if os.geteuid() == 0:
        # Root may do everything: become somebody who may only read the files of the home.
        os.chmod(assay.folder, 0o755)
        os.chmod(home, 0o755)
        os.chown(home / "operator.json", 65534, 65534)
        options = {"user": 65534, "group": 65534, "extra_groups": []}
        try:
            subprocess.run([assay.program, "version"], check=True, capture_output=True, **options)
        except (OSError, subprocess.SubprocessError) as why:
            raise Skip(f"nobody cannot run the program here: {why}") from why
        os.chmod(home / "state", 0o700)
    else:
        os.chmod(home / "state", 0o500)
        os.chmod(home / "state/data.mdb", 0o400)
    ends(assay, 4, "PERMISSION", "Permission denied", **options)
    os.chmod(home / "state", 0o700)
    os.chmod(home / "state/data.mdb", 0o600)
    if os.geteuid() == 0:
        os.chown(home / "operator.json", 0, 0)
    works(assay, 0)


def sent_until_refused(node, limit=3000):
    """Transfers one by one until one fails: how many were acknowledged, and the failure."""
    for done in range(limit):
        result = node.assay.run("transfer", "--to", AA, "--amount", 1, "--key", "alice.key",
                                "--node", node.url, "--json")
        if result.code:
            return done, result
    raise AssertionError(f"{limit} transfers fit")


def disk_fills(assay, node, acknowledged_before):
    done, result = sent_until_refused(node)
    assert result.code in (4, 5), result
    assert node.wait() == 4, node.said()
    assert "assay: error 6: " in node.said(), node.said()  # DISK_FULL
    works_after = assay.node()
    got = works_after.balance(AA)
    # Nothing acknowledged is lost; the transfer whose answer was an error may be in or not.
    assert acknowledged_before + done <= got <= acknowledged_before + done + 1, (done, got)
    supply_holds(works_after.get("/v1/status"))
    transfer(works_after)
    assert works_after.term() == 0


def test_file_size_limit(assay):
    """A disk quota in its simplest form: no file may grow past a limit (RLIMIT_FSIZE)."""
    node = chain(assay)
    for _ in range(3):
        transfer(node)
    assert node.term() == 0
    size = (assay.folder / "home/blocks/blocks.log").stat().st_size + 3000
    state = (assay.folder / "home/state/data.mdb").stat().st_size
    if size > state:
        raise AssertionError("the block log should be the smaller file")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    # The state's file is sparse and larger already: only the log's growth meets the limit first.
    node = assay.node(preexec_fn=limit, fails=True)
    if not node.ready or "url" not in node.ready:
        # Or the state's: then the node must say so and leave everything as it is.
        assert node.wait() == 4 and "assay: error 6: " in node.said(), node.said()
        works(assay, 3)
        return
    node.url = node.ready["url"]
    disk_fills(assay, node, 3)


def test_a_commit_fails_after_the_log(assay):
    """The log has the block, the state has not: nobody is told to send its transfer again."""
    node = chain(assay)
    transfer(node)
    # The log ends far below this, and all of the state's pages but the first lie above.
    resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (32768, 32768))
    error = assay.bad(5, "TIMEOUT", "the transaction waits", "transfer", "--to", AA, "--amount", 1,
                      "--key", "alice.key", "--node", node.url)
    assert re.match("assay tx status 0x[0-9a-f]{64} ", error["next"]), error
    assert node.wait() == 4, node.said()
    said = node.said()
    assert "ask assay tx status" in said and "send them again" not in said, said
    node = assay.node()
    fate = assay.good(*error["next"].split()[1:4], "--node", node.url)
    assert fate["state"] == "committed" and node.balance(AA) == 2, fate
    assert node.term() == 0


@contextlib.contextmanager
def small_disk(assay, size):
    """A file system of its own for the home, where this machine lets us make one."""
    home = assay.folder / "home"
    home.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", home],
                          capture_output=True, text=True, check=False)
    if made.returncode:
        raise Skip(f"cannot mount a small file system: {made.stderr.strip()}")
    try:
        yield home
    finally:
        for node in assay.nodes:
            node.kill()
        subprocess.run(["umount", home], check=True)


def fill(home):
    ballast = home / "ballast"
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def test_full_disk(assay):
    with small_disk(assay, "48m") as home:
        node = chain(assay)
        transfer(node)
        ballast = fill(home)
        done, result = sent_until_refused(node)
        assert result.code in (4, 5), result
        assert node.wait() == 4, node.said()
        assert "assay: error 6: " in node.said(), node.said()
        waits_for_room(assay)
        ballast.unlink()
        again = assay.node()
        assert 1 + done <= again.balance(AA) <= 2 + done, (done, again.balance(AA))
        supply_holds(again.get("/v1/status"))
        transfer(again)
        assert again.term() == 0


def waits_for_room(assay, *options, home="home"):
    """On a full disk a node does not start, says so, and may be told to end meanwhile."""
    process = subprocess.Popen([assay.program, "node", "--home", home, *options],
                               cwd=assay.folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)
    try:
        assert "at least 16384 are needed: the node starts when" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "") and process.returncode == 0
    finally:
        process.kill()


def behind_engine(assay, **options):
    """A node that CometBFT is to dial."""
    return assay.node("--engine", "abci", "--abci", f"unix://{assay.folder}/app.sock", **options)


def blocks_made(assay, first, last):
    """CometBFT's part of some blocks."""
    engine = Abci(assay.folder / "app.sock", assay.folder / "comet/config/genesis.json")
    if first == 1:
        engine.init()
    engine.blocks(first, last)
    return engine


def test_commit_fails_behind_an_engine(assay):
    """E-90: an Exception, the machine's exit code, nothing half-written, and on it goes."""
    assay.init()
    assay.good("export", "--home", "home", "--to-cometbft", "comet")
    node = behind_engine(assay)
    engine = blocks_made(assay, 1, 3)
    state = node.get("/v1/status")
    engine.finalize(4)
    # No file may grow past one page: the log's sentences may still be written, the state not.
    resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
    number, text = engine.ask("commit")
    assert number == EXCEPTION and b"commit" in text, (number, text)
    assert node.wait(30) == 4, node.said()
    engine.close()
    said = node.said()
    assert "assay: error 6: " in said and "next: make room" in said, said  # DISK_FULL
    node = behind_engine(assay)
    assert node.get("/v1/status")["state_root"] == state["state_root"]
    assert node.height() == 3
    blocks_made(assay, 4, 6).close()
    assert node.height() == 6 and node.term() == 0


def room_make(ballast, log):
    """Once the node has said that it waits for it."""
    until(lambda: "the node starts when" in log.read_text(), "a node without room")
    ballast.unlink()


def test_full_disk_behind_an_engine(assay):
    """E-90: the engine would halt and stay, so that the node ends; it comes back with the room."""
    with small_disk(assay, "64m") as home:
        assay.init(home="home/node")
        assay.good("export", "--home", "home/node", "--to-cometbft", "comet")
        node = behind_engine(assay, home="home/node")
        blocks_made(assay, 1, 2).close()
        ballast = fill(home)
        assert node.wait() == 4, node.said()
        assert re.search(r"error 6: \d+ KiB are free on the disk of .*, at least 16384 are needed\n"
                         r"  next: make room", node.said()), node.said()
        waits_for_room(assay, "--engine", "abci", "--abci", f"unix://{assay.folder}/app.sock",
                       home="home/node")
        room = threading.Thread(target=room_make, args=(ballast, Path(node.log.name)))
        room.start()
        node = behind_engine(assay, home="home/node")
        assert not ballast.exists(), "it did not wait for room"
        room.join()
        blocks_made(assay, 3, 4).close()
        assert node.height() == 4 and node.term() == 0
        # What a crash of its own left is not waited for.
        for rest in ("state.restoring", "snapshots/7.part"):
            (home / "node" / rest).mkdir(parents=True)
            fill(home).rename(home / "node" / rest / "data.mdb")
            node = behind_engine(assay, home="home/node")
            assert "the node starts when" not in node.said() and node.term() == 0, node.said()
            assert not (home / "node" / rest).exists()


def test_term_drains(assay):
    """What was taken gets into a block, what was asked is answered, then the node ends with 0."""
    node = chain(assay, "--block-ms", 3000)
    sent = [transfer(node, wait_ms=0)["id"] for _ in range(5)]
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(transfer(node, wait_ms=60000)))
    waiter.start()
    alice = assay.key("alice")
    until(lambda: node.get(f"/v1/account/{alice}")["next_nonces"][0] == 6, "the sixth is taken")
    assert node.term(30) == 0, node.said()
    waiter.join()
    assert answers and answers[0]["state"] == "committed", answers
    again = assay.node()
    for tx in sent + [answers[0]["id"]]:
        assert again.get(f"/v1/tx/{tx}")["code"] == 0
    assert again.balance(AA) == 6
    # An interrupt from the terminal ends it as well.
    again.process.send_signal(signal.SIGINT)
    assert again.wait() == 0


def test_requests_while_it_ends(assay):
    node = chain(assay, "--block-ms", 2000)
    transfer(node, wait_ms=0)
    node.process.send_signal(signal.SIGTERM)

    def refused():
        result = assay.run("transfer", "--to", AA, "--amount", 1, "--key", "alice.key", "--node",
                           node.url, "--wait-ms", 0, "--json")
        return result if result.code else None
    result = until(refused, "a refusal")
    assert result.code == 5, result
    assert result.json()["error"]["name"] in ("STOPPED", "NETWORK"), result
    assert node.wait() == 0


def test_kill_and_restart(assay):
    node = chain(assay, "--block-ms", 5)
    acknowledged = 0
    for round_number in range(4):
        stop = threading.Event()
        done = []

        def send():
            while not stop.is_set():
                result = assay.run("transfer", "--to", AA, "--amount", 1, "--key", "alice.key",
                                   "--node", node.url, "--json")
                if result.code:
                    break
                done.append(result)
        sender = threading.Thread(target=send)
        sender.start()
        # In the first round whatever there is of a first transfer, then something after it.
        if round_number:
            until(lambda: done, "a transfer")
        time.sleep(0.3 if round_number == 0 else 0.17 * round_number)
        node.kill()
        stop.set()
        sender.join()
        acknowledged += len(done)
        node = assay.node("--block-ms", 5)
        balance = node.balance(AA)
        # The one in flight may have made it.
        assert acknowledged <= balance <= acknowledged + 1, (acknowledged, balance)
        acknowledged = balance
        supply_holds(node.get("/v1/status"))
    assert acknowledged > 0
    assert node.term() == 0


def test_limits_of_the_api(assay):
    node = chain(assay)
    status, answer = node.ask("/v1/tx", body=b"x" * (4 << 20) + b"x")
    assert status == 413 and answer["error"]["name"] == "CAPACITY", answer
    status, answer = node.ask("/v1/tx", body=b"{}")
    assert status == 400 and answer["error"]["name"] == "MISSING", answer
    status, answer = node.ask("/v1/tx", body={"tx": "0xzz"})
    assert status == 400 and answer["error"]["name"] == "FORMAT", answer
    status, answer = node.ask("/v1/tx", body={"txs": ["0x00"] * 1001})
    assert status == 413, answer
    status, answer = node.ask("/v1/tx", body={"txs": ["0x00", 7, "0x"]})
    names = [entry["error"]["name"] for entry in answer["results"]]
    assert status == 200 and names == ["REJECTED", "FORMAT", "CAPACITY"], answer
    status, answer = node.ask("/v1/tx", body={"txs": []})
    assert status == 200 and answer == {"results": []}, answer
    for path, code, name in (
            ("/v1/", 404, "NOT_FOUND"), ("/v1/nothing", 404, "NOT_FOUND"),
            ("/v1/status/", 404, "NOT_FOUND"), ("/v1/status/x", 404, "NOT_FOUND"),
            ("/v1/account/0xaa", 400, "FORMAT"), ("/v1/account/" + "z" * 40, 400, "FORMAT"),
            ("/v1/block/x", 400, "USAGE"), ("/v1/block/0", 404, "NOT_FOUND"),
            ("/v1/block/18446744073709551616", 400, "USAGE"), ("/v1/tx/00", 400, "FORMAT"),
            ("/v1/datasets?after=1", 400, "FORMAT"), ("/v1/batches?height=-1", 400, "USAGE"),
            ("/v1/batches?index=4294967296", 400, "USAGE"),
            ("/v1/evidence/" + "0" * 64 + "/4294967296/leaf", 400, "USAGE"),
            ("/v1/evidence/" + "0" * 64 + "/0/other", 404, "NOT_FOUND"),
            ("/v1/epoch/0?role=256", 400, "USAGE"), ("/v1/" + "x" * 300, 404, "NOT_FOUND"),
            ("/v1/a/b/c/d/e/f/g", 404, "NOT_FOUND")):
        status, answer = node.ask(path)
        assert status == code and answer["error"]["name"] == name, (path, status, answer)
    for methods, paths in (
            (("PUT", "DELETE", "PATCH", "OPTIONS"),
             ("/v1/status", "/v1/account/" + AA, "/v1/tx", "/metrics", "/", "/status", "/commit")),
            (("POST",), ("/v1/status", "/metrics", "/status", "/validators")),
            (("GET",), ("/v1/tx", "/"))):
        for method in methods:
            for path in paths:
                status, answer = node.ask(path, body=b"{}", method=method)
                name = answer["error"].get("name")  # CometBFT's form has none (E-46)
                assert status == 405 and name in ("UNSUPPORTED", None), (method, path, answer)
    status, answer = node.ask("/v1/tx?wait=60001", body={"tx": "0x00"})
    assert status == 400 and answer["error"]["name"] == "USAGE", answer
    assert node.term() == 0


if __name__ == "__main__":
    main(globals())
