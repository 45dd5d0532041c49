#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""assay light against real nodes, forks of them, and servers that say what they like (E-45, E-46).
usage: light.py ASSAY [TEST…]; live_cometbft_follows, by name alone, has CometBFT's own light client
follow a node over HTTP."""
import contextlib
import http.server
import json
import shutil
import subprocess
import threading
import time

from chain import SOURCE, Replies, Skip, main


def node_with(assay, blocks, home="home"):
    assay.init(home=home, accounts=("filler",), name="light", chain_id=7)
    node = assay.node(home=home)
    node.blocks(blocks)
    return node


def header(node, height):
    """Returns: HEIGHT:HASH of a header as the node has it."""
    commit = node.get(f"/commit?height={height}")["result"]["signed_header"]["commit"]
    assert commit["height"] == str(height), commit
    return f"{height}:{commit['block_id']['hash']}"


def light(assay, trust, node, *words):
    return assay.good("light", "--trust", trust, "--node", getattr(node, "url", node), *words)


def elsewhere(node):
    """The same node by another address."""
    return node.url.replace("127.0.0.1", "localhost")


def test_follows(assay):
    node = node_with(assay, 6)
    trust = header(node, 1)
    last = light(assay, trust, node)
    assert last["valid"] and last["height"] >= 6 and last["fetched"] == 2, last
    assert last["hash"] == "0x" + header(node, last["height"]).split(":")[1].lower(), last
    assert last["trusted_height"] == 1 and last["witnesses"] == 0 == len(last["dropped"]), last
    third = light(assay, trust, node, "--height", 3)
    assert third["height"] == 3 and third["fetched"] == 2, third
    back = light(assay, header(node, 5), node, "--height", 2)
    assert back["height"] == 2 and back["fetched"] == 4, back
    same = light(assay, header(node, 5), node, "--height", 5, "--witness", elsewhere(node))
    assert same["fetched"] == 2 and same["witnesses"] == 1, same
    said = assay.run("light", "--trust", trust, "--node", node.url, "--height", 4)
    assert said.code == 0 and "verified: height 4 of assay-7-" in said.out, said
    assert f"--trust 4:{header(node, 4).split(':')[1].lower()}" in said.out, said


def test_a_way_back_that_is_too_long_is_no_no(assay):
    """The limit is told with what to do, and says nothing of what was asked (E-45)."""
    node = node_with(assay, 3)
    error = assay.bad(3, "CAPACITY", "height 6 is 1024 blocks below the trusted header, limit 1023",
                      "light", "--trust", "1030:" + "00" * 32, "--node", node.url, "--height", 6)
    assert error["next"] == "trust a header nearer to it", error
    back = assay.run("light", "--trust", header(node, 3), "--node", node.url, "--height", 2)
    assert back.code == 0 and "verified: height 2" in back.out, back
    assert "next time" not in back.out, back


def test_refusals(assay):
    node = node_with(assay, 3)
    trust = header(node, 1)
    wrong = trust[:-1] + ("1" if trust[-1] == "0" else "0")
    nobody = "http://127.0.0.1:1"
    cases = (
        (1, "MISMATCH", "at height 1, not", wrong, node.url),
        (2, "USAGE", "is not HEIGHT:HASH", "1", node.url),
        (2, "USAGE", "--trust", "1:abcd", node.url),
        (2, "USAGE", "trusted height", "0:" + "00" * 32, node.url),
        (2, "USAGE", "no address of CometBFT's RPC", trust, "ftp://127.0.0.1"),
        (5, "NETWORK", "cannot fetch", trust, nobody),
        (3, "NOT_FOUND", "must be less than or equal", "1000000:" + "00" * 32, node.url),
        (3, "NOT_FOUND", "must be less than or equal", trust, node.url, "--height", 1000000),
        (3, "NOT_FOUND", "none", trust, node.url, "none"),
        (5, "NETWORK", "cannot fetch", trust, node.url, "--witness", nobody),
        # What agrees with itself is no witness.
        (2, "USAGE", "is the --node", trust, node.url, "--witness", node.url),
        (2, "USAGE", "is the --node", trust, node.url + "/", "--witness", nobody, "--witness",
         node.url + "//"),
    )
    for code, name, part, at, url, *words in cases:
        assay.bad(code, name, part, "light", "--trust", at, "--node", url, *words)
    time.sleep(1.1)
    assay.bad(1, "RANGE", "may be trusted", "light", "--trust", trust, "--node", node.url,
              "--trusting-seconds", 1)


def test_fork(assay):
    """The operator runs its chain twice: one light client sees one, a witness the other."""
    assert node_with(assay, 1).term() == 0
    shutil.copytree(assay.folder / "home", assay.folder / "other")
    one, other = assay.node(), assay.node(home="other")
    one.blocks(3)
    other.blocks(3)
    trust, ours, theirs = header(one, 1), header(one, 3), header(other, 3)
    assert trust == header(other, 1) and ours != theirs
    light(assay, trust, one, "--height", 3)
    light(assay, trust, one, "--height", 3, "--witness", elsewhere(one))
    error = assay.bad(7, "FORK", "an attack above height 1", "light", "--trust", trust, "--node",
                      one.url, "--height", 3, "--witness", other.url)
    for name in (ours, theirs):
        assert name.split(":")[1].lower() in error["text"], error
    assert other.url in error["text"], error
    assert "believe neither" in error["next"], error


def test_faulty_witness(assay):
    """A witness with a header of its own that it cannot prove is dropped, and named (E-95)."""
    node = node_with(assay, 4)
    words = ["--trust", header(node, 1), "--node", node.url, "--height", 3]

    def answer(path):
        document = node.get(path)
        if "/commit?height=3" in path:
            signed = document["result"]["signed_header"]
            signed["header"]["app_hash"] = "00" * 32
        return 200, document

    with liar(answer) as url:
        said = assay.good("light", *words, "--witness", url, "--witness", elsewhere(node))
        assert said["valid"] and said["witnesses"] == 1 and len(said["dropped"]) == 1, said
        dropped = said["dropped"][0]
        assert dropped["witness"] == url and dropped["verdict"] == "faulty", dropped
        assert "commit of height 3 signs another header" in dropped["text"], dropped
        told = assay.run("light", *words, "--witness", url, "--witness", elsewhere(node))
        assert told.code == 0 and f"dropped: witness {url} is faulty: it has" in told.out, told
        error = assay.bad(1, "MISMATCH", "no witness has the header", "light", *words,
                          "--witness", url)
        assert url in error["text"] and "cannot prove it" in error["text"], error
    nobody = "http://127.0.0.1:1"
    said = assay.good("light", *words, "--witness", nobody, "--witness", elsewhere(node))
    assert [one["verdict"] for one in said["dropped"]] == ["silent"], said


def test_costly_witness(assay):
    """What asks more room than a light block can need, and what says that it has none itself, is a
    faulty witness, not a client without room (E-95)."""
    node = node_with(assay, 4)
    words = ["--trust", header(node, 1), "--node", node.url, "--height", 3]

    def truth_but(part, change):
        def answer(path):
            document = node.get(path)
            return 200, change(document) if part in path else document
        return answer

    def votes(document):
        commit = document["result"]["signed_header"]["commit"]
        commit["signatures"] = [{"block_id_flag": 1}] * 10001
        return document

    def page(document):
        document["result"]["validators"] *= 101
        document["result"]["total"] = "101"
        return document

    full = {"error": {"code": -32603, "message": "Internal error", "data": "mempool is full: 5000"}}
    cases = (
        ("gives more than 4194304 bytes", lambda path: (200, b" " * (5 << 20))),
        ("values and names, limit 131072", lambda path: (200, b"[" + b"{}," * 200000 + b"{}]")),
        ("gives more than 131072 bytes",
         truth_but("/validators", lambda document: b" " * (1 << 18))),
        ("page 1 of the validators has 101", truth_but("/validators", page)),
        ("10001", truth_but("/commit", votes)),
        ("mempool is full", lambda path: (200, full)),
    )
    for part, answer in cases:
        with liar(answer) as url:
            said = assay.good("light", *words, "--witness", url, "--witness", elsewhere(node))
            assert said["valid"] and said["witnesses"] == 1, said
            (dropped,) = said["dropped"]
            assert dropped["witness"] == url and dropped["verdict"] == "faulty", dropped
            assert part in dropped["text"], (part, dropped)


def test_rpc(assay):
    """What the node says is CometBFT's form, as GET and as JSON-RPC."""
    node = node_with(assay, 3)

    def ask(method, **params):
        return node.ask("/", {"jsonrpc": "2.0", "id": 7, "method": method, "params": params})

    status, commit = ask("commit", height="2")
    assert status == 200 and commit["id"] == 7 and commit["jsonrpc"] == "2.0", commit
    assert commit["result"] == node.get("/commit?height=2")["result"], commit
    assert commit["result"]["canonical"] is True
    status, validators = ask("validators", height="2", page="1", per_page="100")
    result = validators["result"]
    assert status == 200 and result["count"] == result["total"] == "1", validators
    assert result["block_height"] == "2" and len(result["validators"]) == 1, validators
    assert result == node.get("/validators?height=2&per_page=100&page=1")["result"]
    shown = node.get("/status")["result"]
    assert shown["node_info"]["network"].startswith("assay-7-"), shown
    assert int(shown["sync_info"]["latest_block_height"]) >= 3, shown
    status, last = ask("commit")
    assert status == 200 and int(last["result"]["signed_header"]["header"]["height"]) >= 3, last
    for code, data, reply in (
            (400, "must be less than or equal to the current", ask("commit", height="1000000")),
            (400, "height is not a whole number", ask("commit", height="-1")),
            (405, "no method", ask("abci_query")),
            (400, "unknown member", ask("commit", heigth="1")),
            (400, "", node.ask("/", b"{")),
            (400, "height", node.ask("/commit?height=x"))):
        status, answer = reply
        assert status == code and data in answer["error"]["data"], (code, data, reply)
        assert answer["error"]["code"] == -32603, answer
    assert node.ask("/v1/status")[0] == 200 and node.ask("/nothing")[0] == 404


@contextlib.contextmanager
def liar(answer):
    """A server whose answers are answer(path): a status and a body."""
    class Handler(Replies):
        def do_GET(self):
            status, body = answer(self.path)
            self.reply(status, body if isinstance(body, bytes) else json.dumps(body).encode())

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_liars(assay):
    """Each says the truth but for one thing."""
    node = node_with(assay, 3)
    trust = header(node, 1)

    def bend(change, path_part):
        def answer(path):
            document = node.get(path)
            return 200, change(document) if path_part in path else document
        return answer

    def app_hash(document):
        document["result"]["signed_header"]["header"]["app_hash"] = "00" * 32
        return document

    def signature(document):
        vote = document["result"]["signed_header"]["commit"]["signatures"][0]
        vote["signature"] = ("B" if vote["signature"][0] == "A" else "A") + vote["signature"][1:]
        return document

    def power(document):
        document["result"]["validators"][0]["voting_power"] = "1000000"
        return document

    def more(document):
        document["result"]["total"] = "10001"
        return document

    def fewer(document):
        document["result"]["total"] = "2"
        return document

    def other(document):
        return node.get("/commit?height=2")

    cases = (
        ("MISMATCH", "signs another header", bend(app_hash, "/commit?height=3")),
        ("SIGNATURE", "did not sign height 3", bend(signature, "/commit?height=3")),
        ("MISMATCH", "names another validator set", bend(power, "/validators?height=3")),
        ("RANGE", "total is 10001", bend(more, "/validators")),
        ("FORMAT", "page 1 of the validators has 1 of 2", bend(fewer, "/validators")),
        ("MISMATCH", "gives height 2, not 3", bend(other, "/commit?height=3")),
        ("FORMAT", "", lambda path: (200, b"no JSON")),
        ("MISSING", "no result", lambda path: (200, {})),
        ("DEPTH", "", lambda path: (200, b"[" * 100000)),
    )
    for name, part, answer in cases:
        with liar(answer) as url:
            assay.bad(1, name, part, "light", "--trust", trust, "--node", url, "--height", 3)
    with liar(lambda path: (200, b" " * (5 << 20))) as url:
        assay.bad(1, "FORMAT", "gives more than", "light", "--trust", trust, "--node", url)
    with liar(lambda path: (500, {"error": {"message": "no", "data": "wait"}})) as url:
        assay.bad(5, "NETWORK", "no: wait", "light", "--trust", trust, "--node", url)


def live_cometbft_follows(assay):
    """CometBFT's light client, over HTTP, comes to the same headers."""
    node = node_with(assay, 20)
    height, digits = header(node, 2).split(":")
    network = node.get("/status")["result"]["node_info"]["network"]
    done = subprocess.run([SOURCE / "tests/oracles/go", "cometbft", "follow", node.url, network,
                           height, digits], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        raise Skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == 2 and int(lines[1][0]) >= 20, done.stdout
    for at, found in lines:
        assert f"{at}:{found}" == header(node, at), done.stdout


if __name__ == "__main__":
    main(globals())
