#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A node as its operator sees it: metrics (F-71, F-72), paths (F-73), status (F-74), logs (F-75),
ends (F-77), late registrations (F-56). usage: ops.py ASSAY [TEST…]"""
import json
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from api_docs import SOURCE, World, provider_start, registrations, relay
from chain import OPEN, Node, main, until

AA = "0x" + "aa" * 20


def chain(assay, *words, params=None, **options):
    assay.key("alice")
    assay.init(accounts=["alice"], params=params)
    return assay.node(*words, **options)


def transfer(node, **options):
    return node.tx("transfer", "--to", AA, "--amount", 1, **options).json()


# --- metrics ---

SAMPLE = re.compile(r'^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? ([0-9]+(?:\.[0-9]+)?)$')


def parse(text):
    """The text format 0.0.4, strictly. Returns: {name and labels: number}, {name: type}."""
    samples, types, helped = {}, {}, set()
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, sentence = line[7:].split(" ", 1)
            assert name not in helped and sentence.endswith("."), line
            helped.add(name)
            continue
        if line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name in helped and name not in types, line
            assert kind in ("gauge", "counter", "histogram"), line
            assert name.endswith("_total") == (kind == "counter"), line
            types[name] = kind
            continue
        match = SAMPLE.match(line)
        assert match, line
        name = match.group(1)
        base = name if name in types else re.sub("_(bucket|sum|count)$", "", name)
        assert base in types and name.startswith("assay_"), line
        assert base == name or types[base] == "histogram", line
        key = name + (match.group(2) or "")
        assert key not in samples, line
        samples[key] = float(match.group(3))
    assert set(types) == helped
    return samples, types


def scrape(node):
    status, body = node.ask("/metrics")
    assert status == 200, body
    return parse(body.decode())[0]


def test_metrics_of_a_node(assay):
    node = chain(assay)
    before = scrape(node)
    # What solo does not know is not there.
    for name in ("assay_commit_round", "assay_rounds_total", "assay_peers"):
        assert name not in before, before
    for _ in range(3):
        transfer(node)
    # Taken by the mempool, refused by the block: the first one spends what the second needs.
    poor = assay.key("poor")
    node.tx("transfer", "--to", poor, "--amount", OPEN)
    after = scrape(node)
    status = node.get("/v1/status")
    assert after["assay_height"] == status["height"] >= before["assay_height"] + 4
    assert after["assay_epoch"] == status["epoch"] and after["assay_healthy"] == 1
    done = 'assay_transactions_total{result="done"}'
    assert after[done] >= before[done] + 8, after  # a beacon and a transfer each
    assert after["assay_blocks_total"] - before["assay_blocks_total"] == \
        after["assay_height"] - before["assay_height"]
    assert after['assay_admissions_total{result="accepted"}'] == 4
    assert after["assay_mempool_transactions"] == 0
    assert after["assay_validators"] == 1 and after["assay_power"] >= 1
    assert after["assay_validators_jailed"] == 0
    supply = sum(value for name, value in after.items() if name.startswith("assay_supply_nopen"))
    assert supply == int(status["supply"]["genesis"]), supply
    assert 0 < after["assay_state_bytes"] < after["assay_state_bytes_max"]
    assert after["assay_state_entries"] > 0
    assert 0 < after["assay_block_interval_seconds"] < 60
    assert after["assay_block_time_seconds"] > 1700000000
    assert after['assay_bonds_nopen{role="consensus"}'] > 0
    assert 'chain="' in next(name for name in after if name.startswith("assay_build_info"))
    # Refused at the door.
    status, answer = node.ask("/v1/tx", {"tx": "0x00"})
    assert status == 422, answer
    assert scrape(node)['assay_admissions_total{result="refused"}'] == 1
    status, answer = node.ask("/metrics", body=b"x")
    assert status == 405, answer
    # A restart counts anew, and knows the last block's time.
    assert node.term() == 0
    node = assay.node()
    again = scrape(node)
    assert again["assay_blocks_total"] == 0 and again["assay_height"] >= after["assay_height"]
    assert again["assay_block_time_seconds"] >= after["assay_block_time_seconds"]
    told = node.get("/v1/node")
    assert told["block_time"] == int(again["assay_block_time_seconds"]), told
    assert told["round"] is None and told["peers"] is None and told["engine"] == "solo", told
    assert told["work"]["since"] == told["height"] == again["assay_height"], told
    assert node.term() == 0


# --- a provider and two validators at work ---

def spawn(assay, name, *words):
    """A long-running command whose first line tells that it works. Returns: a Node-like process."""
    log = open(assay.folder / f"{name}.log", "w+b")
    process = subprocess.Popen([assay.program, *map(str, words)], cwd=assay.folder,
                               env=assay.environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=log, text=True)
    one = Node.__new__(Node)
    one.assay, one.process, one.log = assay, process, log
    assay.nodes.append(one)
    one.first = process.stdout.readline().strip()
    assert one.first, one.said()
    return one


def events(one):
    """The log, every line of which is an event (F-75)."""
    lines = [json.loads(line) for line in one.said().splitlines()]
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]), line
        assert line["level"] in ("debug", "info", "warn", "error") and line["text"], line
    return [(line["event"], line) for line in lines]


def work(assay, *serving, state="settled"):
    """A batch from its request to its end. serving: further words for the provider.
    Returns: the world and its processes."""
    world = World(assay)
    node = world.node
    registrations(world)
    shared = ["--model", "base.assay", "--dataset", "words", "--node", node.url, "--log", "json"]
    provider = spawn(assay, "provider", "serve", "--home", "provider", "--key", "bob.key",
                     "--listen", "127.0.0.1:0", "--batch-count", 1, *shared, *serving)
    provider.url = provider.first
    validators = []
    for name in ("carol", "dave"):
        one = spawn(assay, name, "verify", "--watch", "--key", f"{name}.key", "--metrics",
                    "127.0.0.1:0", "--allow-private", *shared)
        assert one.first == "watching", one.first
        one.url = one.process.stdout.readline().split()[1].removesuffix("/metrics")
        validators.append(one)
    session = node.tx("session", "open", "--provider", world.address["bob"], "--deposit", OPEN,
                      "--price-in", 10000, "--price-out", 20000, "--expiry", "+5000").json()
    assay.good("ask", "--provider", provider.url, "--session", session["digest"], "--model",
               "base.assay", "--prompt", "Once upon a time", "--max-tokens", 3, "--key",
               "alice.key", "--node", node.url)
    batch = until(lambda: node.get("/v1/batches")["batches"], "a batch")[0]["id"]
    until(lambda: node.get("/v1/batch/" + batch)["state"] == state, "the batch's end")
    whole, rows = (node.get(f"/v1/batch/{batch}{query}") for query in ("", "?rows=1"))
    assert whole.pop("payouts") and whole == rows, rows
    return world, provider, validators, batch


def provider_says_what_it_lacks(provider):
    """F-40: a known path with another method is 405; evidence that is not there is what was asked
    for, and no folder of the provider's."""
    root = "0x" + "ab" * 32
    for method, path in (("GET", "/v1/request"), ("DELETE", "/v1/provider"), ("PUT", "/metrics"),
                         ("POST", "/v1/session/" + root), ("PUT", f"/evidence/{root}/receipts")):
        status, answer = provider.ask(path, method=method)
        assert status == 405 and f"not {method}" in answer["error"]["text"], (path, answer)
    assert provider.ask("/v1/nothing")[0] == 404
    for name in ("receipts", "leaf/3"):
        asked = f"{root[2:]}/{name}"
        status, answer = provider.ask("/evidence/" + asked)
        assert status == 404 and answer["error"]["text"] == f'no evidence "{asked}"', answer


def test_metrics_and_logs_of_the_work(assay):
    world, provider, validators, batch = work(assay)
    provider_says_what_it_lacks(provider)
    node = world.node
    told = scrape(node)
    assert told["assay_receipts_included_total"] == told["assay_receipts_settled_total"] == 1, told
    assert told["assay_batches_settled_total"] == 1 and told["assay_batches_open"] == 0, told
    assert told["assay_verdicts_asked_total"] == told["assay_verdicts_revealed_total"] == 2, told
    assert told["assay_verdicts_due"] == told["assay_verdicts_missed_total"] == 0, told
    assert told["assay_penalties_total"] == 0, told
    assert told['assay_bonds_nopen{role="verification"}'] == 40 * OPEN, told
    own = node.get("/v1/validator/" + world.address["carol"])
    assert own["verdicts"]["asked"] == own["verdicts"]["revealed"] == 1, own
    for one in validators:
        mine = scrape(one)
        assert mine["assay_rerun_seconds_count"] == 1, mine
        assert 0 < mine["assay_rerun_seconds_sum"] < 600, mine
        assert mine['assay_rerun_seconds_bucket{le="+Inf"}'] == 1, mine
        assert mine['assay_verdicts_sent_total{kind="commit"}'] == 1, mine
        assert mine['assay_verdicts_sent_total{kind="reveal"}'] == 1, mine
        assert mine["assay_fetches_total"] == 2 and mine["assay_fetch_failures_total"] == 0, mine
        assert mine["assay_node_height"] > 0, mine
        status, answer = one.ask("/v1/status")
        assert status == 404 and "only /metrics" in answer["error"]["text"], answer
        status, answer = one.ask("/metrics", body=b"x")
        assert status == 405, answer
    served = scrape(provider)
    assert served["assay_batches_sent_void_total"] == 0, served
    assert served["assay_answer_seconds_count"] == served["assay_batches_sent_total"] == 1, served
    assert served["assay_receipts_pending"] == served["assay_refusals_total"] == 0, served
    status, answer = provider.ask("/v1/request", {})
    assert status == 400 and scrape(provider)["assay_refusals_total"] == 1, answer
    asked = ["ask", "--provider", provider.url, "--session", node.get(
        "/v1/sessions/of/provider/" + world.address["bob"])["sessions"][0]["id"], "--model",
        "base.assay", "--key", "alice.key", "--node", node.url]
    assay.bad(6, "REJECTED", "limit 0", *asked, "--prompt", "Once", "--max-fee", 0)
    assay.bad(3, "RANGE", "up to 64 new ones, context 512", *asked, "--prompt", "a b c " * 500)
    error = assay.bad(3, "NOT_FOUND", "is no node: a provider answers there", "account",
                      world.address["bob"], "--node", provider.url)
    assert provider.url in error["text"], error
    error = assay.bad(3, "NOT_FOUND", "is no node: ", "status", "--node", validators[0].url)
    asked[2] = node.url
    assay.bad(3, "FORMAT", f"--provider {node.url} is no provider's address", *asked, "--prompt",
              "Once")
    # What was not looked for speaks against nobody.
    for words in (["verify"], ["attribute"]):
        one = [*words, "--batch", batch, "--leaf", 0, "--model", "base.assay", "--node", node.url]
        error = assay.bad(3, "FORBIDDEN", "leads to a private address", *one)
        assert error["next"] == "--allow-private", error
        assay.good(*one, "--allow-private")
    # The node goes away: that is told once, and the validators wait for it.
    assert node.term() == 0
    until(lambda: "defence_failed" in dict(events(provider)), "the provider's complaint")
    time.sleep(1.5)
    assert [name for name, _ in events(provider)].count("defence_failed") == 1, provider.said()
    until(lambda: any(name == "node_away" for name, _ in events(validators[0])), "the complaint")
    assert scrape(validators[0])["assay_node_failures_total"] > 5
    for one in (provider, *validators):
        assert one.term() == 0, one.said()
        assert one.rest == "", one.rest
    votes = [line for name, line in events(validators[0]) if name == "vote"]
    assert [line["vote"] for line in votes] == ["commit", "reveal"], votes
    assert all(line["verdict_name"] == "match" and line["batch"] == batch for line in votes), votes
    said = dict(events(provider))
    assert said["batch_sent"]["batch"] == batch and said["started"]["url"] == provider.url, said
    assert said["request_answered"]["output_tokens"] == 3, said
    assert said["request_refused"]["level"] == "debug", said


def test_a_void_batch_is_told(assay):
    """F-54: a provider's own log says what a batch that became void costs, once."""
    world, provider, validators, batch = work(assay, "--misbehave", "altered-token", state="void")
    told = world.node.get("/v1/batch/" + batch)
    assert told["void_reason"] == "fraud" and told["slashed"] == 10 * told["fee_total"], told
    until(lambda: "batch_void" in dict(events(provider)), "the event")
    said = dict(events(provider))["batch_void"]
    assert said["batch"] == batch and said["reason"] == "fraud", said
    assert (said["nopen"], said["slashed"]) == (told["fee_total"], told["slashed"]), said
    assert scrape(provider)["assay_batches_sent_void_total"] == 1
    for one in (provider, *validators, world.node):
        assert one.term() == 0, one.said()
    assert [name for name, _ in events(provider)].count("batch_void") == 1, provider.said()


def test_registering_later_needs_no_restart(assay):
    """Validators first, the model after them: until it is registered it is not declared (F-56)."""
    world = World(assay)
    node = world.node
    model = assay.good("model", "import", SOURCE / "testnet/model", "--out", "base.assay")["root"]
    node.tx("bond", "--role", "verification", "--amount", 20 * OPEN, key="carol")
    one = spawn(assay, "carol", "verify", "--watch", "--key", "carol.key", "--model", "base.assay",
                "--node", node.url, "--log", "json")
    assert one.first == "watching", one.first

    def declared():
        return node.get("/v1/account/" + world.address["carol"])["declared"]
    told = [line for name, line in events(one) if name == "root_not_declared"]
    assert [(line["kind"], line["root"]) for line in told] == [("model", model)], told
    assert declared() == []
    node.tx("model", "register", "--file", "base.assay", "--name", "late", key="bob")
    until(declared, "the declaration")
    assert declared() == [model]
    assert one.term() == 0, one.said()
    names = [name for name, _ in events(one)]
    assert names.count("root_not_declared") == 1 and "roots_declared" in names, names
    assert node.term() == 0


def test_json_tells_where_it_listens(assay):
    """F-9, F-75: with --json what scripts wait for is a document, whichever the command."""
    world = World(assay)
    node = world.node
    assay.good("model", "import", SOURCE / "testnet/model", "--out", "base.assay")
    node.tx("bond", "--role", "verification", "--amount", 20 * OPEN, key="carol")
    shared = ["--model", "base.assay", "--node", node.url, "--json"]
    provider = spawn(assay, "provider", "serve", "--home", "provider", "--key", "bob.key",
                     "--listen", "127.0.0.1:0", *shared)
    told = json.loads(provider.first)
    provider.url = told.pop("url")
    assert told == {} and provider.get("/v1/provider")["served"] == 0, told
    verify = ["verify", "--watch", "--key", "carol.key", *shared]
    plain = spawn(assay, "plain", *verify)
    assert json.loads(plain.first) == {"watching": True, "metrics": None}, plain.first
    assert plain.term() == 0 and plain.rest == "", plain.rest
    one = spawn(assay, "carol", *verify, "--metrics", "127.0.0.1:0")
    told = json.loads(one.first)
    one.url = told["metrics"].removesuffix("/metrics")
    assert told == {"watching": True, "metrics": one.url + "/metrics"}, told
    assert "assay_node_height" in scrape(one)
    for process in (one, provider, node):
        assert process.term() == 0, process.said()
    assert one.rest == provider.rest == ""


def test_a_provider_without_a_bond_is_told(assay):
    """F-53: once, at its start, and not when somebody has paid a deposit for nothing."""
    world = World(assay)
    assay.good("model", "import", SOURCE / "testnet/model", "--out", "base.assay")
    serve = ["serve", "--home", "provider", "--key", "bob.key", "--listen", "127.0.0.1:0",
             "--model", "base.assay", "--node", world.node.url, "--log", "json"]
    provider = spawn(assay, "unbonded", *serve)
    time.sleep(6)  # another look
    told = [line for name, line in events(provider) if name == "no_bond"]
    assert len(told) == 1 and told[0]["next"].startswith("assay bond --role provider"), told
    assert provider.term() == 0
    world.node.tx("bond", "--role", "provider", "--amount", 20 * OPEN, key="bob")
    provider = spawn(assay, "bonded", *serve)
    assert "no_bond" not in dict(events(provider)), provider.said()
    for process in (provider, world.node):
        assert process.term() == 0, process.said()


def test_a_model_that_is_written_over_is_used_no_more(assay):
    """Who copies a new file over the one in use gets no answers and no verdicts of either (F-5)."""
    world = World(assay)
    node = world.node
    assay.good("model", "import", SOURCE / "testnet/model", "--out", "base.assay")
    node.tx("bond", "--role", "provider", "--amount", 20 * OPEN, key="bob")
    node.tx("bond", "--role", "verification", "--amount", 20 * OPEN, key="carol")
    common = ["--model", "base.assay", "--node", node.url, "--log", "json"]
    voter = spawn(assay, "carol", "verify", "--watch", "--key", "carol.key", *common)
    provider = spawn(assay, "bob", "serve", "--home", "serve", "--key", "bob.key", *common)
    with open(assay.folder / "base.assay", "r+b") as file:
        byte = file.read(1)
        file.seek(0)
        file.write(byte)
    assert voter.wait() == 4
    assert "written to while it is used" in dict(events(voter))["failed"]["text"], voter.said()
    until(lambda: "files_changed" in dict(events(provider)), "the provider's word")
    assert provider.term() == 0
    assert node.term() == 0


def test_log_of_a_node(assay):
    """JSON on standard error and nothing else there; a failure is an event as well (F-75)."""
    node = chain(assay, "--log", "json")
    transfer(node)
    assert node.term() == 0
    said = events(node)
    assert [name for name, _ in said] == ["started", "stopping"], said
    assert said[0][1]["url"] == node.url and said[0][1]["level"] == "debug", said
    node = assay.node("--log", "json", "--listen", "nowhere", fails=True)
    assert node.wait() == 2
    (name, line), = events(node)
    assert name == "failed" and line["level"] == "error" and line["name"] == "USAGE", line
    assert line["code"] == node.ready["error"]["code"], line
    assert '"nowhere" is not HOST:PORT' in line["text"], line
    error = assay.bad(2, "USAGE", "known are text and json", "node", "--home", "home", "--log", "x")
    assert error["name"] == "USAGE"
    # As text it says what it always said.
    process = spawn(assay, "text", "node", "--home", "home")
    assert process.first.startswith("http://")
    assert process.term() == 0
    assert re.fullmatch(r"chain \d+ \(.*\) at height \d+; SIGTERM or Ctrl-C ends the node\n",
                        process.said()), process.said()


# --- assay status ---

def test_status_of_a_node(assay):
    node = chain(assay)
    transfer(node)
    asked = ["status", "--node", node.url]
    plain = assay.good(*asked)
    assert plain["healthy"] and plain["problems"] == [], plain
    assert plain["node"]["engine"] == "solo" and "disk" not in plain, plain
    operator = assay.key("operator")
    assert plain["node"]["operator"] == plain["validator"]["address"] == operator, plain
    alices = assay.good(*asked, "--key", "alice.key")
    assert alices["validator"]["address"] == assay.key("alice") and alices["healthy"], alices
    mine = assay.good(*asked, "--key", "operator.key", "--home", "home")
    assert mine["validator"]["address"] == operator and mine["validator"]["power"] > 0, mine
    assert mine["validator"]["beacon"]["left"] > 0 and mine["duties"]["duties"] == [], mine
    assert 0 < mine["disk"]["free"] <= mine["disk"]["size"], mine
    screen = assay.run(*asked, "--address", operator, "--home", "home")
    assert screen.code == 0 and len(screen.out.splitlines()) <= 24, screen
    for part in ("height    ", "engine    solo", "state     0x", "power     100 of 100",
                 "due now   nothing", "health    healthy"):
        assert part in screen.out, f"no {part!r} in {screen}"
    # With colours the verdict has one.
    assay.environment["CLICOLOR_FORCE"] = "1"
    coloured = assay.run(*asked)
    assert "\033[30;48;5;151mhealthy\033[0m" in coloured.out, coloured
    del assay.environment["CLICOLOR_FORCE"]
    assay.bad(2, "USAGE", "not both", *asked, "--address", operator, "--key", "alice.key")
    assay.bad(3, "NOT_FOUND", "none/config.json", "status", "--home", "none")
    assay.bad(3, "NOT_FOUND", "nobody.key", *asked, "--key", "nobody.key")
    # Another chain's node says nothing of this home (F-74).
    other = assay.init(home="other", chain_id=8)["genesis"]
    own = plain["genesis"]
    config = json.loads((assay.folder / "other/config.json").read_text())
    assay.write("other/config.json", dict(config, listen=node.url.removeprefix("http://")))
    for words in (["status", "--home", "other"], [*asked, "--home", "other"]):
        error = assay.bad(3, "MISMATCH", f"genesis {own} at {node.url}, but {other} in other",
                          *words)
        assert "no other node may have" in error["next"], error
    # The home tells where its node is.
    config = json.loads((assay.folder / "home/config.json").read_text())
    assert node.term() == 0
    assay.bad(5, "NETWORK", "", *asked)
    with socket.create_server(("127.0.0.1", 0)) as free:
        config["listen"] = f"127.0.0.1:{free.getsockname()[1]}"
    assay.write("home/config.json", config)
    node = assay.node()
    assert assay.good("status", "--home", "home")["height"] >= plain["height"]
    assert node.term() == 0


def test_status_of_an_unwell_validator(assay):
    """A beacon chain that ends too soon is told, with what to do (F-74)."""
    node = chain(assay, params={"epoch_blocks": 100000})
    operator = assay.key("operator")
    words = ["status", "--node", node.url, "--address", operator]
    result = assay.run(*words)
    assert result.code == 1 and "health    the beacon chain ends in" in result.out, result
    assert "  next:   assay validator renew --home DIR --key FILE" in result.out, result
    result = assay.run(*words, "--json")
    document = result.json()
    assert result.code == 1 and not document["healthy"] and document["problem"] == "", document
    assert len(document["problems"]) == 1, document
    assert node.term() == 0


def test_status_watches(assay):
    node = chain(assay)
    log = open(assay.folder / "watch.log", "w+b")
    process = subprocess.Popen([assay.program, "status", "--watch", "--json", "--every-ms", "50",
                                "--node", node.url], stdout=subprocess.PIPE, stderr=log, text=True,
                               cwd=assay.folder, env=assay.environment)
    looks = [json.loads(process.stdout.readline()) for _ in range(3)]
    assert all(look["healthy"] for look in looks), looks
    # A node that goes away is told, and waited for.
    assert node.term() == 0
    until(lambda: "error" in json.loads(process.stdout.readline()), "the node's absence")
    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read()
    assert process.wait(30) == 5, rest
    process.stdout.close()


# --- how it ends (F-77) ---

BOUND = 25  # seconds: twice 10 (F-40), and this machine
LARGE_COPIES = 60  # of a book, which to index takes longer than that


def ends(node, bound=BOUND):
    """SIGTERM, and again while it ends. Returns: seconds it took."""
    begun = time.monotonic()
    node.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    if node.process.poll() is None:
        node.process.send_signal(signal.SIGTERM)
    assert node.wait(60) == 0, node.said()
    took = time.monotonic() - begun
    assert took < bound, took
    return took


def connect(node, data=b""):
    host, port = node.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.sendall(data)
    return connection


def test_ends_with_idle_connections(assay):
    node = chain(assay)
    open_ones = [connect(node) for _ in range(20)]
    for one in open_ones[:10]:  # kept alive after an answer
        one.sendall(b"GET /v1/genesis HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one.recv(65536).startswith(b"HTTP/1.1 200")
    assert ends(node) < 15  # one that is idle has 30
    for one in open_ones:
        one.close()


def test_ends_with_requests_that_do_not(assay):
    """Half a head, half a body, an answer nobody reads, and a wait that lasts a minute."""
    node = chain(assay, "--block-ms", 3000)
    transfer(node)
    half = [connect(node, b"GET /v1/status HTT"),
            connect(node, b"POST /v1/tx HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"),
            connect(node, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 20)]
    answers = []
    waiter = threading.Thread(
        target=lambda: answers.append(transfer(node)))
    waiter.start()
    alice = assay.key("alice")
    until(lambda: node.get(f"/v1/account/{alice}")["next_nonces"][0] == 2, "the second is taken")
    ends(node)
    waiter.join()
    assert answers and answers[0]["state"] == "committed", answers
    for one in half:
        one.close()
    node = assay.node()
    assert node.balance(AA) == 2
    assert node.term() == 0


def test_ends_while_it_is_busy(assay):
    """Senders that do not stop by themselves: what was acknowledged is in the chain."""
    names = [f"sender{i}" for i in range(4)]
    assay.init(accounts=names)
    node = assay.node("--block-ms", 1, "--log", "json")
    done = dict.fromkeys(names, 0)
    refused = {}

    def send(name):
        while name not in refused:
            result = assay.run("transfer", "--to", AA, "--amount", 1, "--key", f"{name}.key",
                               "--node", node.url, "--json")
            if result.code:
                refused[name] = result
            else:
                done[name] += 1
    senders = [threading.Thread(target=send, args=(name,)) for name in names]
    for sender in senders:
        sender.start()
    until(lambda: sum(done.values()) >= 20, "some transfers")
    ends(node)
    for sender in senders:
        sender.join()
    for result in refused.values():
        assert result.code == 5 and result.json()["error"]["name"] in ("STOPPED", "NETWORK"), result
    assert [name for name, _ in events(node)] == ["started", "stopping"], node.said()
    again = assay.node()
    acknowledged = sum(done.values())
    # Each sender's last one may be in although its answer was lost.
    assert acknowledged <= again.balance(AA) <= acknowledged + len(names), done
    assert again.term() == 0


def test_provider_ends_with_an_answer_in_progress(assay):
    world = World(assay)
    registrations(world)
    node = world.node
    provider = spawn(assay, "provider", "serve", "--home", "provider", "--key", "bob.key",
                     "--listen", "127.0.0.1:0", "--model", "base.assay", "--dataset", "words",
                     "--node", node.url, "--log", "json", "--batch-ms", 86400000)
    session = node.tx("session", "open", "--provider", world.address["bob"], "--deposit", OPEN,
                      "--price-in", 10000, "--price-out", 20000, "--expiry", "+5000").json()
    results = []
    asker = threading.Thread(target=lambda: results.append(assay.run(
        "ask", "--provider", provider.first, "--session", session["digest"], "--model",
        "base.assay", "--prompt", "Once upon a time", "--max-tokens", 100, "--key", "alice.key",
        "--node", node.url, "--json")))
    asker.start()
    time.sleep(0.5)
    ends(provider, 90)
    asker.join()
    # It came before the end, and then it is in a batch; or it was not taken.
    said = dict(events(provider))
    if results[0].code == 0:
        assert "batch_sent" in said and len(node.get("/v1/batches")["batches"]) == 1, said
    else:
        assert results[0].code == 5 and "batch_sent" not in said, results
    assert node.term() == 0


def test_provider_ends_while_data_sets_are_indexed(assay):
    """What indexes cannot be stopped, and keeps nobody."""
    world = World(assay)
    registrations(world)
    words = (SOURCE / "testnet/data/doyle.txt").read_bytes()
    (assay.folder / "large").write_bytes(b"".join(
        b"%d " % number + words for number in range(LARGE_COPIES)))
    process = subprocess.Popen(
        [assay.program, "serve", "--home", "provider", "--key", "bob.key", "--listen",
         "127.0.0.1:0", "--model", "base.assay", "--dataset", "large", "--node", world.node.url],
        cwd=assay.folder, env=assay.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: len(list(Path(f"/proc/{process.pid}/task").iterdir())) > 2, "its server")
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=BOUND)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, said
    assert out == "", "it was indexed before it was told to end"
    assert world.node.term() == 0


def test_provider_ends_while_its_node_hangs(assay):
    """Who asks for sessions then holds up neither others nor the end (F-77)."""
    world = World(assay)
    assay.good("model", "import", SOURCE / "testnet/model", "--out", "base.assay")
    provider = spawn(assay, "provider", "serve", "--home", "provider", "--key", "bob.key",
                     "--listen", "127.0.0.1:0", "--model", "base.assay", "--node", world.node.url)
    provider.url = provider.first
    world.node.process.send_signal(signal.SIGSTOP)
    try:
        askers = [connect(provider, b"GET /v1/session/0x%064x HTTP/1.1\r\nHost: x\r\n\r\n" % i)
                  for i in range(5)]
        time.sleep(1)
        with urllib.request.urlopen(provider.url + "/metrics", timeout=15) as reply:
            assert reply.status == 200
        assert ends(provider) < 15  # a question has 30
    finally:
        world.node.process.send_signal(signal.SIGCONT)
    for one in askers:
        one.close()
    assert world.node.term() == 0


def test_what_asks_a_silent_node_ends(assay):
    """From its first question on."""
    assay.key("alice")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        key = ["--key", "alice.key", "--model", "base.assay", "--node", url]
        for words in (["status", "--watch", "--node", url], ["verify", "--watch", *key],
                      ["serve", "--home", "provider", *key]):
            process = subprocess.Popen([assay.program, *words], cwd=assay.folder,
                                       env=assay.environment, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            try:
                connection = silent.accept()[0]
                connection.recv(1)
                process.send_signal(signal.SIGTERM)
                said = process.communicate(timeout=15)  # a question has 30
            finally:
                process.kill()
                process.wait()
            connection.close()
            assert process.returncode == 0, (words, process.returncode, said)
            assert not "".join(said).strip(), (words, said)


def paused(process, seconds, share):
    """As on a machine that gives the process this share of its time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5 * (1 - share))
        process.send_signal(signal.SIGCONT)
        time.sleep(0.5 * share)


def test_an_answer_that_is_cut_off_is_not_charged(assay):
    """A model so slow that the answer in progress outlasts its connection (F-46)."""
    world = World(assay)
    registrations(world)
    node = world.node
    provider = spawn(assay, "provider", "serve", "--home", "provider", "--key", "bob.key",
                     "--listen", "127.0.0.1:0", "--model", "base.assay", "--node", node.url,
                     "--log", "json", "--batch-ms", 86400000)
    session = node.tx("session", "open", "--provider", world.address["bob"], "--deposit", OPEN,
                      "--price-in", 10000, "--price-out", 20000, "--expiry", "+5000").json()
    provider.url, results, posted = provider.first, [], threading.Event()

    def post(path, body):
        posted.set()
        try:
            with urllib.request.urlopen(provider.url + path, body, timeout=90) as reply:
                return reply.status, reply.read()
        except OSError:
            return 502, b""

    with relay(provider, post) as url:
        asker = threading.Thread(target=lambda: results.append(assay.run(
            "ask", "--provider", url, "--session", session["digest"], "--model", "base.assay",
            "--prompt", "Once upon a time", "--max-tokens", 500, "--key", "alice.key", "--node",
            node.url, "--json")))
        asker.start()
        assert posted.wait(60)
        time.sleep(0.15)  # until it is being computed
        provider.process.send_signal(signal.SIGTERM)
        paused(provider.process, 14, 0.01)
        assert provider.wait(60) == 0, provider.said()
        asker.join()
    batches = node.get("/v1/batches")["batches"]
    if results[0].code == 0:  # a machine that is faster than that
        assert len(batches) == 1, provider.said()
    else:
        assert results[0].code == 5 and batches == [], provider.said()
        next_step = results[0].json()["error"]["next"]
        assert next_step == "the same command with --sequence 1", results[0]
    assert not list((assay.folder / "provider" / "pending").iterdir())
    assert node.term() == 0


def test_ask_says_what_is_too_short_or_long(assay):
    """Before the provider is asked, which is no rule's refusal then (exit 6)."""
    assay.good("model", "import", SOURCE / "testnet/model", "--out", "model")
    assay.init(accounts=["alice"], params={"request_tokens_max": 100})
    node = assay.node()
    asked = ["ask", "--session", "0x" + "00" * 32, "--model", "model", "--provider",
             "http://127.0.0.1:1", "--key", "alice.key", "--node", node.url]
    for prompt in (["--prompt", ""], ["--ids", ""]):
        assay.bad(3, "RANGE", "prompt has 0 tokens", *asked, *prompt)
    two = ["--ids", "1,2", "--max-tokens"]
    assay.bad(3, "RANGE", "2 tokens of the prompt and up to 99 new ones, request_tokens_max 100",
              *asked, *two, 99)
    assay.bad(3, "NOT_FOUND", "no such session", *asked, *two, 98)
    assert node.term() == 0


def passed_on(provider):
    def post(path, body):
        try:
            with urllib.request.urlopen(provider.url + path, body, timeout=90) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
    return post


def test_a_lost_answer_is_paid_once(assay):
    """An answer is lost on its way, its batch in a block: the command says what to do (F-46)."""
    world = World(assay)
    registrations(world)
    node, provider = world.node, provider_start(world)
    session = node.tx("session", "open", "--provider", world.address["bob"], "--deposit", OPEN,
                      "--price-in", 10000, "--price-out", 20000, "--expiry", "+5000").json()
    asked = ["ask", "--session", session["digest"], "--model", "base.assay", "--prompt",
             "Once upon a time", "--max-tokens", 3, "--key", "alice.key", "--node", node.url]

    def post(path, body):
        request = urllib.request.Request(provider.url + path, data=body)
        with urllib.request.urlopen(request, timeout=90) as reply:
            assert reply.status == 200
        return 502, b""

    def now():
        return node.get("/v1/session/" + session["digest"])

    with relay(provider, post) as url:
        error = assay.bad(5, "NETWORK", "HTTP 502", *asked, "--provider", url)
    assert error["next"] == "the same command with --sequence 1", error
    until(lambda: now()["last_sequence"] == 1, "the batch")
    paid = now()["reserved"]
    again = assay.good(*asked, "--provider", provider.url + "/", "--sequence", 1)
    assert again["sequence"] == 1 and again["fee"] == paid, again
    assert assay.good(*asked, "--provider", provider.url)["sequence"] == 2
    until(lambda: now()["last_sequence"] == 2, "another batch")
    assert now()["reserved"] == 2 * paid, now()
    # Another request with that sequence is another one; and what is refused is not to be repeated.
    error = assay.bad(3, "ORDER", "sequence 1, expected 3", *asked, "--provider", provider.url,
                      "--sequence", 1, "--seed", 1)
    assert "next" not in error, error
    for option in ("--principal", "--wait-ms"):
        assay.bad(2, "USAGE", option, *asked, "--provider", provider.url, option, 1)
    # Two ask at once, and are told the same sequence: the later one asks again, as a new request.
    with relay(provider, passed_on(provider)) as url:
        assert assay.good(*asked, "--provider", url)["sequence"] == 3
        error = assay.bad(3, "ORDER", "sequence 3, expected 4", *asked, "--provider", url, "--seed",
                          1)
        assert error["next"].startswith("the same command: another request"), error
    # Or its output is lost.
    with open("/dev/full", "wb") as full:
        lost = subprocess.run(
            [assay.program, *map(str, asked), "--provider", provider.url, "--json"],
            cwd=assay.folder, env=assay.environment, stdout=full, stderr=subprocess.PIPE,
            text=True, check=False)
    assert lost.returncode == 4, lost
    assert "next: the same command with --sequence 4" in lost.stderr, lost
    assert assay.good(*asked, "--provider", provider.url, "--sequence", 4)["sequence"] == 4
    assert provider.term() == 0 and node.term() == 0


if __name__ == "__main__":
    main(globals())
