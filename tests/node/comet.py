#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node between two sides of CometBFT that a test makes: its ABCI socket is driven here, and its
RPC answers what it is told to. usage: comet.py ASSAY [TEST…]"""
import base64
import contextlib
import hashlib
import http.server
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
from urllib.parse import parse_qs, urlsplit

from abci import EXCEPTION, Abci, varint
from chain import SOURCE, Replies, main, until
from ops import connect, ends, events, scrape

# By tests/oracles/comet_chain, which may record others.
VECTORS = Path(os.environ.get("ASSAY_COMET_VECTORS", SOURCE / "tests/vectors"))
RECORDED = json.loads((VECTORS / "comet_blocks.json").read_text())["blocks"]
ACCEPT, REJECT = b"\x08\x01", b"\x08\x02"
LAST = int(RECORDED[-1]["results"]["height"])


class Rpc(http.server.ThreadingHTTPServer):
    """answers: {path: result, or bytes to send as they are, or a function of the query}."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = {}, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(Replies):
    def do_GET(self):
        parts = urlsplit(self.path)
        self.answer(parts.path, {key: value[0] for key, value in parse_qs(parts.query).items()})

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.path = "/" + call["method"]
        self.answer(self.path, call["params"])

    def answer(self, path, query):
        self.server.asked.append(self.path)
        answer = self.server.answers.get(path)
        if callable(answer):
            answer = answer(query)
        if isinstance(answer, str):
            answer = {"error": {"code": -32603, "message": "Internal error", "data": answer}}
        elif not isinstance(answer, bytes):
            answer = {"result": answer}
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.reply(500 if b'"error"' in data[:10] else 200, data)


def again(assay):
    """The node that ran before, with logs as JSON, and its engine."""
    node = assay.node("--engine", "abci", "--abci", f"unix://{assay.folder}/app.sock",
                      "--log", "json")
    return node, Abci(assay.folder / "app.sock", assay.folder / "comet/config/genesis.json")


def propose(engine, height, txs=None):
    """The first validator's block, by this node unless txs are given. Returns: its verdict."""
    block = {5: height, 6: {1: 1700000000 + height}}
    proposer = hashlib.sha256(engine.keys[0]).digest()[:20]
    if txs is None:
        data, txs = engine.good("prepare_proposal", {1: 10**6, **block, 8: proposer}), []
        while data:
            size, at = data[1] & 0x7F, 2
            if data[1] >= 0x80:
                size, at = size | data[2] << 7, 3
            txs.append(data[at:at + size])
            data = data[at + size:]
    return engine.good("process_proposal", {1: txs, **block, 8: proposer})


@contextlib.contextmanager
def behind(assay, height=0, config=None, accounts=()):
    """A node with so many blocks. Yields: it, its engine and its engine's RPC."""
    assay.init(accounts=accounts)
    path = assay.folder / "home/config.json"
    path.write_text(json.dumps(dict(json.loads(path.read_text()), **(config or {}))))
    assay.good("export", "--home", "home", "--to-cometbft", "comet")
    with Rpc() as rpc:
        threading.Thread(target=rpc.serve_forever, daemon=True).start()
        node = assay.node("--engine", "abci", "--abci", f"unix://{assay.folder}/app.sock",
                          "--comet", rpc.url)
        engine = Abci(assay.folder / "app.sock", assay.folder / "comet/config/genesis.json")
        engine.init()
        engine.blocks(1, height)
        yield node, engine, rpc
        engine.close()
        assert node.term() == 0, node.said()
        rpc.shutdown()


def test_never_solo_again(assay):
    """E-31: with the chain handed over, the embedded engine would sign its heights twice."""
    assay.init()
    assay.good("export", "--home", "home", "--to-cometbft", "comet")
    assay.bad(2, "CONFIG", "its chain is CometBFT's", "node", "--home", "home", "--engine", "solo")


def test_handed_over_once(assay):
    """E-31: whatever is lost or cut short, no height is signed a second time."""
    def export(folder, code=0, name="", part="", *more):
        words = ("export", "--home", "home", "--to-cometbft", folder, *more)
        return assay.bad(code, name, part, *words) if code else assay.good(*words)

    def config():
        return json.loads((assay.folder / "home/config.json").read_text())

    assay.init(accounts=["filler"])
    node = assay.node()
    node.blocks(2)
    height = node.height()
    assert node.term() == 0, node.said()
    home = assay.folder / "home"
    # Without its state the chain would begin anew.
    shutil.move(home / "state", assay.folder / "state")
    export("comet", 3, "MISMATCH",
           f"the block log has {height} blocks and the state is of height 0")
    assert not (assay.folder / "comet").exists()
    shutil.rmtree(home / "state")
    shutil.move(assay.folder / "state", home / "state")
    # Nothing is handed over into what is there already.
    (assay.folder / "used/config").mkdir(parents=True)
    (assay.folder / "used/config/genesis.json").write_text("{}")
    refused = export("used", 3, "EXISTS",
                     "used/config/genesis.json is there already, and another one")
    assert "and only then: cometbft init" in refused["next"], refused
    assert json.loads((home / "config.json").read_text())["engine"] == "solo"
    (assay.folder / "short/config").mkdir(parents=True)
    (assay.folder / "short/data").write_text("no folder")
    failed = assay.run("export", "--home", "home", "--to-cometbft", "short")
    assert failed.code != 0 and not list((assay.folder / "short/config").iterdir()), failed
    assert config()["engine"] == "solo"  # the key went nowhere
    assert export("comet")["initial_height"] == height + 1
    assay.bad(2, "CONFIG", "its chain is CometBFT's", "node", "--home", "home", "--engine", "solo")
    assert config()["exported"] == str(assay.folder / "comet") and "export_begun" not in config()
    # One that was begun goes on in its folder, also where somebody has removed that.
    whole = config()
    (home / "config.json").write_text(json.dumps(
        {name: value for name, value in whole.items() if name != "exported"}
        | {"export_begun": f"{assay.folder}/gone"}))
    refused = export("again", 3, "EXISTS", f"an export into {assay.folder}/gone was begun")
    assert refused["next"].startswith("if it was removed, and not moved, mkdir "), refused
    (assay.folder / "gone").mkdir()
    refused = export("again", 3, "EXISTS", f"an export into {assay.folder}/gone was begun")
    assert refused["next"].startswith("assay export "), refused
    (home / "config.json").write_text(json.dumps(whole))
    # CometBFT may have signed: not again into the same folder, and not into another, whatever is
    # lost here or there.
    told = f"this home's key is in {assay.folder}/comet"
    for folder in ("comet", "again"):
        export(folder, 3, "EXISTS", told)
    assert not (assay.folder / "again").exists()
    shutil.rmtree(assay.folder / "comet")
    export("comet", 3, "EXISTS", told)
    # Who knows that it is gone says above which height it may sign.
    export("again", 3, "RANGE", f"to sign above 1, and the state is of height {height}",
           "--sign-again-above", 1)
    export("again", 0, "", "", "--sign-again-above", height + 7)
    assert json.loads((assay.folder / "again/data/priv_validator_state.json").read_text()) == {
        "height": str(height + 7), "round": 2**31 - 1, "step": 3}
    assert config()["exported"] == str(assay.folder / "again")
    # With blocks of CometBFT's the state is past it; without a state it is before.
    shutil.rmtree(home / "state")
    shutil.rmtree(home / "blocks")
    export("third", 3, "EXISTS", f"this home's key is in {assay.folder}/again")
    export("third", 3, "MISMATCH", f"this chain is CometBFT's from block {height + 1} on and the "
           "state is of height 0", "--sign-again-above", 10**6)


def test_snapshots_where_a_state_is(assay):
    """E-65, E-66: the genesis's state is none to keep; one with blocks is, and it is said."""
    offer = {1: {1: 100, 2: 9, 3: 1, 4: b"hash"}, 2: b"app hash"}
    assay.init()
    assay.good("export", "--home", "home", "--to-cometbft", "comet")
    words = ("--engine", "abci", "--abci", f"unix://{assay.folder}/app.sock")
    node = assay.node(*words)
    engine = Abci(assay.folder / "app.sock", assay.folder / "comet/config/genesis.json")
    assert engine.good("offer_snapshot", offer) == b"\x08\x04"  # another format: the next one
    engine.init()
    assert engine.good("offer_snapshot", offer) == b"\x08\x04"
    engine.blocks(1, 2)
    assert engine.good("offer_snapshot", offer) == b"\x08\x02"  # abort
    engine.close()
    assert node.wait() == 3, node.said()
    said = node.said()
    assert "the state is at height 2 already, by blocks executed here" in said, said
    assert "next: keep this state by giving CometBFT the data back" in said, said


def test_another_genesis(assay):
    """E-23, E-30: CometBFT's genesis edited by hand is another chain's."""
    assay.init()
    assay.good("export", "--home", "home", "--to-cometbft", "comet")
    socket = assay.folder / "app.sock"
    genesis = assay.folder / "comet/config/genesis.json"
    words = ("--engine", "abci", "--abci", f"unix://{socket}")
    for section, name, value, said in (
            ("block", "max_bytes", "1048576", "block.max_bytes 1048576, this home's chain "),
            ("block", "max_gas", "5", "block.max_gas 5, this home's chain -1"),
            ("evidence", "max_age_num_blocks", "7", "evidence.max_age_num_blocks 7, this"),
            ("evidence", "max_age_duration", "2000000001",
             "evidence.max_age_duration's seconds 2, this home's chain 0"),
            ("evidence", "max_bytes", "1", "evidence.max_bytes 1, this home's chain 262144"),
            ("validator", "pub_key_types", ["ed25519", "secp256k1"], "other keys than ed25519"),
            ("version", "app", "2", "version.app 2, this home's chain 1"),
            ("abci", "vote_extensions_enable_height", "1",
             "abci.vote_extensions_enable_height 1, this home's chain 0")):
        node = assay.node(*words)
        engine = Abci(socket, genesis)
        engine.genesis["consensus_params"][section][name] = value
        kind, text = engine.ask("init_chain", engine.init_fields())
        assert kind == EXCEPTION and said in text.decode(), text
        engine.close()
        assert node.wait() == 3 and said in node.said(), node.said()  # E-90
    node = assay.node(*words)
    engine = Abci(socket, genesis)
    engine.init()
    engine.blocks(1, 1)
    engine.close()
    assert node.term() == 0, node.said()


def test_others_end_nothing(assay):
    """E-7, E-22, E-25: what peers and a dishonest proposer send is answered, and no Exception."""
    assay.init()
    assay.good("export", "--home", "home", "--to-cometbft", "comet")
    node = assay.node("--engine", "abci", "--abci", f"unix://{assay.folder}/app.sock")
    engine = Abci(assay.folder / "app.sock", assay.folder / "comet/config/genesis.json")
    assert engine.good("check_tx", {1: b"x"})[:1] == b"\x08"  # before there is a state
    engine.init()
    engine.blocks(1, 1)
    own = hashlib.sha256(engine.keys[0]).digest()[:20]
    block = {5: 2, 6: {1: 1700000002}, 8: own}
    accept, reject = b"\x08\x01", b"\x08\x02"
    assert engine.good("process_proposal", block) == reject  # nobody has signed it (P-45)
    proposed = engine.good("prepare_proposal", {1: 1 << 20, **block})
    block[1] = [proposed[3:]]  # the beacon, of between 128 and 16,383 bytes
    assert proposed[:3] == b"\x0a" + varint(len(proposed) - 3)
    assert engine.good("process_proposal", block) == accept
    # 131,073 and a million empty transactions fit CometBFT's block.max_bytes.
    for change in ({1: 131073 * [b""]}, {1: 1000000 * [b""]}, {1: [b""]}, {1: [b"x" * 9000000]},
                   {3: 4097 * [{1: 1}]}, {5: 0}, {6: {1: -1}}, {6: {1: 1, 2: -1}},
                   {6: {1: 2**62}}, {8: b""}, {8: own + b"x"}, {8: bytes(20)}):
        assert engine.good("process_proposal", {**block, **change}) == reject, change.keys()
    assert engine.good("process_proposal", block) == accept
    engine.blocks(2, 2)
    engine.close()
    assert node.term() == 0, node.said()


def test_what_is_refused_is_told(assay):
    """E-8, F-75: why, of whatever sort it is, and of a flood not a line each."""
    assay.init()
    assay.good("export", "--home", "home", "--to-cometbft", "comet")
    node = assay.node("--engine", "abci", "--abci", f"unix://{assay.folder}/app.sock",
                      "--log", "json")
    begun = time.monotonic()

    def peer(sent=b""):
        one = socket.socket(socket.AF_UNIX)
        one.connect(f"{assay.folder}/app.sock")
        one.sendall(sent)
        return one

    def refused():
        return [line for name, line in events(node) if name == "abci_refused"]

    def told(count, reason):
        line = until(lambda: refused()[count - 1:], reason)[0]
        assert line["level"] == "warn" and reason in line["text"], line
        assert line["all"] == sum(one["count"] for one in refused()), line
        return line["count"]
    for number, (sent, reason) in enumerate((
            (b"\x00", "an empty request"), (b"\x03\x9a\x06\x00", "request 99 is not"),
            (b"\x81\x80\x80\x10", "a frame of 33554433 bytes, limit 33554432"),
            (b"\x50\x42", "a connection ended 2 bytes into a frame")), 1):
        peer(sent).close()
        assert told(number, reason) == 1
    time.sleep(1.5)  # the refused ones are no connections any more
    many = [peer() for _ in range(19)]
    until(lambda: sum(line["count"] for line in refused()) == 7, "three over the limit")
    assert "a connection over the limit of 16" in refused()[4]["text"], refused()
    for one in many:
        one.close()
    for _ in range(6):
        peer(b"\x00").close()
        time.sleep(1.1)
    lines, minutes = len(refused()), (time.monotonic() - begun) // 60
    assert 8 <= lines <= 8 + minutes, refused()
    # CometBFT is served as ever.
    engine = Abci(assay.folder / "app.sock", assay.folder / "comet/config/genesis.json")
    engine.init()
    engine.close()
    assert node.term() == 0, node.said()


def recorded(part):
    def of(query):
        for one in RECORDED:
            if one["results"]["height"] == query["height"]:
                return one[part]
        return (f"height {query['height']} must be less than or equal to the current blockchain "
                f"height {LAST}")
    return of


def test_blocks(assay):
    """E-91: solo's document, from CometBFT's answers."""
    with behind(assay) as (node, _, rpc):
        rpc.answers = {"/block": recorded("block"), "/block_results": recorded("results")}
        for one in RECORDED:
            header = one["block"]["block"]["header"]
            status, block = node.ask(f"/v1/block/{header['height']}")
            assert status == 200 and block["height"] == int(header["height"]), block
            assert block["hash"] == "0x" + one["block"]["block_id"]["hash"].lower(), block
            assert block["app_hash"] == "0x" + header["app_hash"].lower(), block
            encoded = bytes.fromhex(block["header"][2:])  # C-3
            assert encoded[4:].startswith(header["chain_id"].encode()), block
            assert encoded.endswith(bytes.fromhex(header["proposer_address"])), block
            assert block["commit"] is None, block
            kinds = [tx["tx"]["kind"] for tx in block["txs"]]
            assert kinds == ["beacon", "transfer"][:len(kinds)], kinds
            for tx, data in zip(block["txs"], one["block"]["block"]["data"]["txs"]):
                assert tx["code"] == 0
                raw = base64.b64decode(data)
                assert tx["id"] == "0x" + hashlib.sha256(raw).hexdigest(), tx
        assert len(kinds) == 2
        for height, code, name, part in (
                (LAST + 1, 404, "NOT_FOUND", "must be less than or equal to"),
                (0, 404, "NOT_FOUND", "0"),
                (2**63, 404, "NOT_FOUND", "no block of height 9223372036854775808")):
            status, answer = node.ask(f"/v1/block/{height}")
            assert (status, answer["error"]["name"]) == (code, name), answer
            assert part in answer["error"]["text"], answer


def test_blocks_that_are_none(assay):
    """E-91: whatever is wrong with the answer is said, and is not the asker's fault."""
    with behind(assay) as (node, _, rpc):
        good = {"/block": recorded("block"), "/block_results": recorded("results")}
        for path, answer, code, name, part in (
                ("/block", b"<html>", 500, "NETWORK", ""),
                ("/block", b"{}", 500, "NETWORK", "no result"),
                ("/block", {"block": None}, 500, "NETWORK", "block"),
                ("/block", RECORDED[0]["block"], 500, "NETWORK", f"height 1, asked for {LAST}"),
                ("/block", "height 4 is not available, lowest height is 9", 404, "NOT_FOUND",
                 "lowest height is 9"),
                ("/block_results", RECORDED[0]["results"], 500, "NETWORK",
                 "1 results for 2 transactions"),
                ("/block_results", "could not find results for height #4", 404, "NOT_FOUND",
                 "could not find results"),
                ("/block_results", "node is not persisting finalize block responses", 404,
                 "NOT_FOUND", "not persisting"),
                ("/block_results", "some other trouble", 500, "NETWORK", "some other trouble")):
            rpc.answers = dict(good, **{path: answer})
            status, told = node.ask(f"/v1/block/{LAST}")
            assert (status, told["error"]["name"]) == (code, name), (path, answer, told)
            assert part in told["error"]["text"], told
        rpc.answers = good
        assert node.ask(f"/v1/block/{LAST}")[0] == 200


def seconds_of(work, *words):
    begun = time.monotonic()
    work(*words)
    return time.monotonic() - begun


def test_peers(assay):
    """E-92: asked seldom, waited for a little, and unknown rather than made up."""
    with behind(assay, height=2) as (node, _, rpc):
        assert "assay_peers" not in scrape(node)  # the engine does not say
        assert node.get("/v1/node")["peers"] is None
        rpc.answers["/net_info"] = {"n_peers": "3", "peers": []}
        told = until(lambda: node.get("/v1/node")["peers"], "the peers")
        assert told == 3 and scrape(node)["assay_peers"] == 3
        begun, asked = time.monotonic(), rpc.asked.count("/net_info")
        for _ in range(20):
            scrape(node)

        def asked_seldom():
            """Once in five seconds, however many of them this machine took."""
            most = 1 + (time.monotonic() - begun) / 5
            assert rpc.asked.count("/net_info") - asked <= most, (most, rpc.asked)
        asked_seldom()
        shown = assay.run("status", "--node", node.url)
        assert re.search(r"^engine +abci, 3 peers, program", shown.out, re.M), shown
        # One that hangs holds a scrape up for two seconds, and once in five.
        rpc.answers["/net_info"] = lambda query: time.sleep(60)
        time.sleep(5.1)
        begun, asked = time.monotonic(), rpc.asked.count("/net_info")
        assert 1.5 < seconds_of(scrape, node) < 15  # other questions have 20
        for _ in range(4):
            assert "assay_peers" not in scrape(node)
        asked_seldom()
        for wrong in ({"n_peers": "-1"}, {}, "some trouble"):
            rpc.answers["/net_info"] = wrong
            time.sleep(5.1)
            assert node.get("/v1/node")["peers"] is None, wrong


def test_the_engines_connections(assay):
    """F-73, F-74: how many there are, and a minute to start before that none is a problem."""
    with behind(assay, height=2) as (node, engine, _):
        told = node.get("/v1/node")
        assert told["connections"] == 1 and 0 <= told["uptime"] < 60, told
        engine.close()
        until(lambda: node.get("/v1/node")["connections"] == 0, "its end")
        if node.get("/v1/node")["uptime"] < 50:
            assert assay.good("status", "--node", node.url)["healthy"]
            assert scrape(node)["assay_healthy"] == 1
        until(lambda: node.get("/v1/node")["uptime"] >= 60, "a minute", 70)
        result = assay.run("status", "--node", node.url, "--json")
        problems = [problem["text"] for problem in result.json()["problems"]]
        assert "proxy_app" in result.json()["problems"][0]["next"], result
        assert result.code == 1 and problems == [
            "the node makes no blocks: no engine is connected to the ABCI socket",
            "CometBFT's RPC does not answer"], result
        assert scrape(node)["assay_healthy"] == 0
        told = node.get("/v1/status")
        assert not told["healthy"] and told["problem"] in problems[0], told


def test_own_proposal_refused(assay):
    """E-25, F-71: whose node has no operator.json can propose nothing, and hears of it."""
    with behind(assay, height=1) as (node, engine, _):
        assert propose(engine, 2) == ACCEPT
        assert node.get("/v1/status")["healthy"] and "proposal" not in node.said()
    kept = (assay.folder / "home/operator.json").rename(assay.folder / "operator.json")
    node, engine = again(assay)
    assert propose(engine, 2) == REJECT
    told = node.get("/v1/status")
    assert not told["healthy"] and "its own proposal of block 2" in told["problem"], told
    until(lambda: "proposal_refused" in node.said(), "a line of it")
    (_, line), = [one for one in events(node) if one[0] == "proposal_refused"]
    assert line["own"] and line["height"] == 2 and "operator.json" in line["next"], line
    engine.close()
    assert node.term() == 0, node.said()
    kept.rename(assay.folder / "home/operator.json")
    node, engine = again(assay)
    # Another's that is refused says nothing of this node.
    assert propose(engine, 2, txs=[]) == REJECT and node.get("/v1/status")["healthy"]
    assert propose(engine, 2) == ACCEPT
    engine.close()
    assert node.term() == 0, node.said()


def test_rounds(assay):
    """F-71, E-92: a block's commit comes with the next block, and says in which round it was."""
    with behind(assay, height=1) as (node, engine, _):
        samples = scrape(node)
        for name in ("assay_commit_round", "assay_rounds_total"):
            assert name not in samples, samples
        assert node.get("/v1/node")["round"] is None
        for height, commit_round, rounds in ((2, 2, 3), (3, 0, 4)):
            engine.finalize(height, commit_round=commit_round)
            engine.good("commit")
            samples = scrape(node)
            assert samples["assay_commit_round"] == commit_round, samples
            assert samples["assay_rounds_total"] == rounds, samples
            assert node.get("/v1/node")["round"] == commit_round
            shown = assay.run("status", "--node", node.url)
            assert f", round {commit_round}" in shown.out, shown


def test_ends_while_cometbft_hangs(assay):
    """F-77: of many requests one at a time waits for its answer; none has a turn after SIGTERM."""
    with behind(assay, height=2) as (node, _, rpc):
        rpc.answers["/block"] = rpc.answers["/tx"] = lambda query: time.sleep(60)
        waiting = [connect(node, b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
                   for path in (b"/v1/block/2", b"/v1/tx/0x" + 64 * b"7") for _ in range(20)]
        until(lambda: rpc.asked, "the first one's turn")
        assert ends(node) < 15  # a question has 20
        assert len(rpc.asked) < 4, rpc.asked
        for one in waiting:
            one.close()


def test_ends_before_cometbft_answers(assay):
    """F-40: CometBFT may have taken what it was given: the wallet says what to ask."""
    with behind(assay, height=2, accounts=["alice"]) as (node, _, rpc):
        rpc.answers["/broadcast_tx_sync"] = lambda query: time.sleep(60)
        failed = []
        sending = threading.Thread(target=lambda: failed.append(assay.bad(
            5, "STOPPED", "was given up", "transfer", "--to", "0x" + "aa" * 20, "--amount", 1,
            "--key", "alice.key", "--node", node.url)))
        sending.start()
        until(lambda: "/broadcast_tx_sync" in rpc.asked, "the transfer")
        assert ends(node) < 15  # a question has 20
        sending.join()
        assert re.match("assay tx status 0x[0-9a-f]{64} ", failed[0]["next"]), failed


def test_no_state_yet(assay):
    """F-40, F-76: before InitChain commands exit with a code after which services are restarted."""
    assay.init()
    assay.good("export", "--home", "home", "--to-cometbft", "comet")
    # As on a machine that joins: its state is yet to come.
    shutil.rmtree(assay.folder / "home/state")
    node = assay.node("--abci", f"unix://{assay.folder}/app.sock")
    asked = ("--node", node.url, "--key", "operator.key")
    busy = (4, "BUSY", "no state yet: try again")
    assay.bad(*busy, "status", "--node", node.url)
    assay.bad(*busy, "verify", "--watch", *asked, "--model", "none")
    assay.bad(*busy, "serve", "--home", "serve", *asked, "--model", "none")
    assert node.term() == 0, node.said()


def test_backup_has_no_key(assay):
    """F-90: a copy of a home behind CometBFT may run beside it, whether solo was before or not."""
    def backup(out, home="home"):
        shown = assay.run("backup", "--home", home, "--out", out)
        assert shown.code == 0, shown
        return shown.out, {path.name for path in (assay.folder / out).iterdir()}

    keys = "CometBFT's keys and sign state are left out: two nodes with one key sign two chains\n"
    beside = ("it starts beside CometBFT data at least as new, not beside a fresh CometBFT home:\n"
              "a lost machine comes back by state sync\n")
    with behind(assay, height=3) as (node, engine, rpc):
        whole = {"config.json", "genesis.json", "state"}
        out, files = backup("copy")
        assert files == whole, files
        assert out == f"copy holds the state\noperator.json, {keys}{beside}", out
        assert assay.good("backup", "--home", "home", "--out", "again") == {
            "home": "again", "blocks": 0, "operator": False}
        # A follower's home has no key to leave out.
        out, files = backup("third", "copy")
        assert (out, files) == (f"third holds the state\n{keys}{beside}", whole), (out, files)
        # No CometBFT begins with it, and what else to do is said.
        refused = assay.bad(3, "MISMATCH", "the state is of height 3: no fresh CometBFT can begin",
                            "export", "--home", "third", "--to-cometbft", "comet_of_third")
        assert "state sync: assay init --home NEW --genesis 'third/genesis.json'" in (
            refused["next"]), refused
        assert not (assay.folder / "comet_of_third").exists()
        status = node.get("/v1/status")
        rest = assay.node("--abci", f"unix://{assay.folder}/copy.sock", "--comet", rpc.url,
                          home="third")
        for name in ("height", "app_hash", "state_root"):
            assert rest.get("/v1/status")[name] == status[name], (name, status)
        assert rest.term() == 0, rest.said()


def test_backup_of_a_moved_chain(assay):
    """F-90: the log of the time before stays with the state, and the key stays behind."""
    assay.init(accounts=["filler"])
    node = assay.node()
    node.blocks(2)
    assert node.term() == 0, node.said()
    assay.good("export", "--home", "home", "--to-cometbft", "comet")
    copied = assay.good("backup", "--home", "home", "--out", "copy")
    assert copied["blocks"] >= 2 and not copied["operator"], copied
    assert not (assay.folder / "copy/operator.json").exists()
    assert (assay.folder / "home/operator.json").exists()
    assert "other nodes of the chain may begin with it" in assay.run(
        "backup", "--home", "home", "--out", "shown").out
    # A copy joins with a key of its own.
    assay.good("validator", "new", "--home", "copy", "--address", assay.key("joiner"))
    shown = assay.good("export", "--home", "copy", "--to-cometbft", "comet_of_copy")
    assert shown["validator_key"] and shown["initial_height"] == copied["blocks"] + 1, shown
    keys = [(assay.folder / name / "config/priv_validator_key.json").read_text()
            for name in ("comet", "comet_of_copy")]
    assert keys[0] != keys[1]


def test_backup_while_the_chain_is_handed_over(assay):
    """F-90: the config of before would let the copy sign beside CometBFT."""
    assay.init(accounts=["filler"])
    node = assay.node()
    node.blocks(2)
    assert node.term() == 0, node.said()
    config, copy = assay.folder / "home/config.json", assay.folder / "copy"
    solo = config.read_text()
    for _ in range(20):  # until it is met half-way
        config.write_text(solo)
        shutil.rmtree(copy, ignore_errors=True)
        argv = [assay.program, "backup", "--home", "home", "--out", "copy", "--json"]
        process = subprocess.Popen(argv, cwd=assay.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        while process.poll() is None and not (copy / "state").exists():
            pass
        process.send_signal(signal.SIGSTOP)
        until(lambda: process.poll() is not None or
              Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ")[-1][0] == "T", "the stop")
        half = process.poll() is None and {path.name for path in copy.iterdir()} <= {"state",
                                                                                     "blocks"}
        config.write_text(json.dumps(dict(json.loads(solo), engine="abci", initial_height=9)))
        process.send_signal(signal.SIGCONT)
        said = process.communicate()[0]
        if half:
            break
    assert half and process.returncode == 4 and "BUSY" in said and "handed over" in said, said
    assert not copy.exists()


def test_snapshots_are_counted(assay):
    """E-92: one made for others, a chunk of it served, and two of other heights refused."""
    config = {"snapshot_blocks": 3, "snapshot_keep": 2}
    with behind(assay, config=config) as (node, engine, rpc):
        samples = scrape(node)
        assert samples["assay_snapshots_kept"] == samples["assay_snapshot_height"] == 0, samples
        engine.blocks(1, 7)
        made = 'assay_snapshots_total{result="made"}'
        until(lambda: sum(value for name, value in scrape(node).items()
                          if name.startswith("assay_snapshots_total")) >= 2, "the snapshots")
        samples = scrape(node)
        assert samples[made] == samples["assay_snapshots_kept"] >= 1, samples
        assert samples["assay_snapshot_height"] in (3, 6), samples
        assert samples["assay_snapshot_making_seconds_total"] > 0, samples
        height = int(samples["assay_snapshot_height"])
        assert len(engine.good("load_snapshot_chunk", {1: height, 2: 1, 3: 0})) > 100
        assert engine.good("load_snapshot_chunk", {1: height + 1, 2: 1, 3: 0}) == b""
        # A chunk of a snapshot that was never offered.
        engine.good("apply_snapshot_chunk", {1: 0, 2: b"chunk", 3: "peer"})
        samples = scrape(node)
        chunks = {result: samples[f'assay_snapshot_chunks_total{{result="{result}"}}']
                  for result in ("served", "applied", "refused")}
        assert chunks == {"served": 1, "applied": 0, "refused": 1}, chunks
        assert samples["assay_snapshot_offers_refused_total"] == 0, samples
        until(lambda: "was refused: chunk 0 of 0, the next is 0" in node.said(), "the reason")


CHAIN = json.loads((VECTORS / "comet_chain.json").read_text())


def test_priorities_are_cometbfts(assay):
    """E-46: CometBFT's light client compares them between a node of ours and its own RPC."""
    with behind(assay, height=1) as (node, engine, rpc):
        answer = json.loads(json.dumps(CHAIN["validators"]))
        answer["validators"][0]["proposer_priority"] = "-7"
        rpc.answers |= {"/commit": CHAIN["commit"], "/validators": answer}
        assert node.get("/validators")["result"]["validators"] == answer["validators"], answer


def chain_answers():
    """The RPC of the node that the chain was recorded from."""
    def block(query):
        found = [one for one in CHAIN["blocks"]
                 if one["block"]["header"]["height"] == query["height"]]
        return found[0] if found else "height is not available, lowest height is 1"
    return {"/block": block, "/commit": CHAIN["commit"], "/validators": CHAIN["validators"]}


def test_audit(assay):
    """E-93: from the genesis alone, by whatever node; and whoever changed something is found."""
    assay.write("genesis.json", CHAIN["genesis"])
    assay.good("init", "--home", "auditor", "--genesis", "genesis.json")
    top = len(CHAIN["blocks"])

    def audit(code, **answers):
        rpc.answers = dict(chain_answers(), **{f"/{name}": one for name, one in answers.items()})
        result = assay.run("audit", "--home", "auditor", "--comet", rpc.url, "--rerun", "none",
                           "--json")
        assert result.code == code, result
        return result.json()

    with Rpc() as rpc:
        threading.Thread(target=rpc.serve_forever, daemon=True).start()
        told = audit(0)
        assert told["agrees"] and told["height"] == top and told["home"] is None, told
        assert "/block_results" not in " ".join(rpc.asked)  # results are computed, not asked for

        def changed(at, change):
            blocks = [json.loads(json.dumps(one)) for one in CHAIN["blocks"]]
            change(blocks[at - 1])
            return lambda query: blocks[int(query["height"]) - 1]

        def tx_lost(block):
            block["block"]["data"]["txs"].pop()

        def hash_changed(block):
            block["block"]["header"]["app_hash"] = "00" * 32

        def other_id(block):
            block["block_id"]["parts"]["total"] = 2

        def vote_lost(block):
            block["block"]["last_commit"]["signatures"].pop()

        def accused(block):
            block["block"]["evidence"]["evidence"].append({})
        for at, change, part in ((4, tx_lost, "the transactions of block 4 are not its header's"),
                                 (5, hash_changed, "header of block 5 does not have its hash"),
                                 (7, vote_lost, "the last commit of block 7 is not its header's"),
                                 (8, accused, "the evidence of block 8 is not its header's"),
                                 (6, other_id, "block 7: it does not follow the block before")):
            told = audit(1, block=changed(at, change))
            assert not told["agrees"] and part in told["problem"], told
            assert told["height"] == at - (change != other_id), told
        # One that gives another block for it, and a commit that nobody signed.
        told = audit(1, block=lambda query: CHAIN["blocks"][0])
        assert "a block of height 1, asked for 2" in told["problem"], told
        commit = json.loads(json.dumps(CHAIN["commit"]))
        commit["signed_header"]["commit"]["signatures"][0]["timestamp"] = "2026-01-01T00:00:00Z"
        told = audit(1, commit=commit)
        assert "did not sign height" in told["problem"] and told["height"] == top, told
        # What is not to be had keeps the audit from its work.
        told = audit(3, block=lambda query: "height 1 is not available, lowest height is 5")
        assert "lowest height is 5" in told["error"]["text"], told
        told = audit(5, commit="some trouble")
        assert told["error"]["name"] == "NETWORK", told
        # Another genesis is another chain.
        assay.init(home="other")
        rpc.answers = chain_answers()
        result = assay.run("audit", "--home", "other", "--comet", rpc.url, "--rerun", "none")
        assert result.code == 1 and "of another chain" in result.out, result
        rpc.shutdown()


def test_audit_without_room(assay):
    """F-50: where the fresh state was to be is said, and how to have it elsewhere."""
    assay.write("genesis.json", CHAIN["genesis"])
    assay.good("init", "--home", "auditor", "--genesis", "genesis.json")
    (assay.folder / "small").mkdir()
    assay.environment["TMPDIR"] = str(assay.folder / "small")
    full = assay.bad(4, "DISK_FULL", "", "audit", "--home", "auditor", "--comet", "http://[::1]:1",
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
    assert f"in {assay.folder}/small: set TMPDIR" in full["next"], full
    assert not list((assay.folder / "small").iterdir())


if __name__ == "__main__":
    main(globals())
