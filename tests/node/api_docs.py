#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/api.md against a real node and a real provider: every curl line answers as written, every
path of the code is there, every transaction kind is, and each example can be signed.
usage: api_docs.py ASSAY; with ASSAY_DOCS=write the answers in the page are made anew."""
import contextlib
import functools
import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import urllib.request

from chain import OPEN, SOURCE, Node, Replies, main, until

PAGE = SOURCE / "docs/api.md"
# Windows wide enough for signing by the command line, narrow enough for a test.
PARAMS = {"samples": 1, "commit_blocks": 100, "reveal_blocks": 60, "answer_blocks": 20,
          "beacon_delay": 1, "epoch_blocks": 250, "close_delay": 20, "commitment_blocks": 2}
ZERO = "0x" + "00" * 32
VOTERS = ("carol", "dave")
SHOWN = 100  # characters of a text that an answer in the page shows


class World:
    """A chain on which everything that the page asks for has happened."""

    def __init__(self, assay):
        self.assay = assay
        names = ("alice", "bob", *VOTERS)
        self.genesis = assay.init(accounts=names, params=PARAMS, name="docs", chain_id=7,
                                  distributor="0x" + "dd" * 20)["genesis"]
        self.address = {name: assay.key(name) for name in (*names, "robot", "operator")}
        self.node = assay.node("--block-ms", 40)
        self.signed = 0

    def sign(self, kind, key, **body):
        """A signed object of a transaction, with the next nonce."""
        account = self.node.get("/v1/account/" + self.address[key])
        lane = int(kind in ("verdict_commit", "verdict_reveal", "post_evidence"))
        self.signed += 1
        name = f"tx{self.signed}.json"
        self.assay.write(name, {"kind": kind, "chain_id": 7, "genesis": self.genesis,
                                "signer": self.address[key],
                                "nonce": account["next_nonces"][lane], **body})
        return self.assay.good("tx", "sign", name, "--key", f"{key}.key")

    def send(self, kind, key, **body):
        status, answer = self.node.ask("/v1/tx?wait=20000", {"tx": self.sign(kind, key, **body)})
        assert status == 200 and answer["code"] == 0, (kind, answer)
        return answer


def committed(world, root):
    """The commitment of alice to a root without a salt."""
    data = bytes.fromhex(root[2:] + "00" * 32 + world.address["alice"][2:])
    return "0x" + hashlib.sha256(data).hexdigest()


def registrations(world):
    """Accounts with bonds and agents, a data set, a model file and an adapter, declared roots."""
    assay, node = world.assay, world.node
    model = assay.good("model", "import", SOURCE / "testnet/model", "--out", "base.assay")["root"]
    for name, role in (("bob", "provider"), *((voter, "verification") for voter in VOTERS)):
        node.tx("bond", "--role", role, "--amount", 20 * OPEN, key=name)
    node.tx("unbond", "--role", "provider", "--amount", OPEN, key="bob")
    node.tx("agent", "authorize", "--agent", world.address["robot"], "--scopes", "session",
            "--expiry", "+5000", "--limit", OPEN)
    node.tx("withdraw", "--recipient", world.address["alice"], "--amount", 3 * OPEN)
    assay.write("words", "It was the best of times, it was the worst of times.\n" * 40)
    node.tx("dataset", "register", "--file", "words", "--name", "times", "--license", "CC0-1.0",
            "--uri", "https://example.org/times")
    data = node.get("/v1/datasets")["datasets"][0]["root"]
    node.tx("model", "register", "--file", "base.assay", "--name", "demo base", "--royalty-ppm",
            50000)
    adapter = "0x" + hashlib.sha256(b"adapter").hexdigest()
    made = world.send("commit_dataset", "alice", commitment=committed(world, adapter))
    until(lambda: node.height() > made["height"], "a commitment of the needed age")
    world.send("register_adapter", "alice", base=model, root=adapter, byte_count=1000,
               royalty_ppm=20000, name="times", uri="",
               sources=[{"dataset": data, "weight_ppm": 1000000}])
    for voter in VOTERS:
        world.send("declare_roots", voter, roots=sorted([model, adapter]))
    commitment = committed(world, "0x" + hashlib.sha256(b"another adapter").hexdigest())
    world.send("commit_dataset", "alice", commitment=commitment)
    return {"MODEL": model, "ADAPTER": adapter, "DATASET": data, "COMMITMENT": commitment}


def provider_start(world):
    """A real provider of the demo model. Returns: a Node-like process with its URL."""
    assay = world.assay
    log = open(assay.folder / "provider.log", "w+b")
    process = subprocess.Popen(
        [assay.program, "serve", "--home", "provider", "--model", "base.assay", "--key", "bob.key",
         "--node", world.node.url, "--listen", "127.0.0.1:0", "--batch-count", "1", "--batch-ms",
         "86400000"], cwd=assay.folder, env=assay.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=log, text=True)
    provider = Node.__new__(Node)
    provider.assay, provider.process, provider.log = assay, process, log
    assay.nodes.append(provider)
    provider.url = process.stdout.readline().strip()
    assert provider.url.startswith("http://"), provider.said()
    return provider


@contextlib.contextmanager
def relay(provider, post):
    """A server between a consumer and its provider: says for ever what the provider says of a
    session now, and to a request post(path, body), a status and bytes. Yields: its URL."""
    @functools.cache
    def provider_get(path):
        with urllib.request.urlopen(provider.url + path, timeout=60) as answer:
            return answer.status, answer.read()

    class Relay(Replies):
        def do_GET(self):
            self.reply(*provider_get(self.path))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(*post(self.path, body))

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def request_catch(world, provider, asked):
    """The body that `assay ask` would have posted, caught on its way."""
    caught = []

    def post(path, body):
        caught.append(body)
        return 503, b'{"error":{"code":7,"name":"BUSY","reject":0,"text":"caught"}}'

    with relay(provider, post) as url:
        world.assay.bad(4, "BUSY", "caught", *asked, "--provider", url)
    return caught[0]


def answers_are_checked(world, provider, asked):
    """A consumer asks, and again for the same; the provider's answer comes but for one thing."""
    kept = []

    def post(path, body):
        if not kept:
            request = urllib.request.Request(provider.url + path, data=body)
            with urllib.request.urlopen(request, timeout=90) as reply:
                kept.append(reply.read())
        answer = json.loads(kept[0])
        change(answer)
        return 200, json.dumps(answer).encode()

    def plus(object_of, name):
        def change(answer):
            object_of(answer)[name] = int(object_of(answer)[name]) + 1
        return change

    with relay(provider, post) as url:
        change = json.dumps  # nothing yet
        assert len(world.assay.good(*asked, "--provider", url)["ids"]) == 3
        other = "the output is not the one the receipt commits to"
        for change, part in (
                (plus(lambda answer: answer["output_ids"], 1), other),
                (lambda answer: answer["output_ids"].pop(), other),
                (plus(lambda answer: answer["receipt"], "output_count"), other),
                (plus(lambda answer: answer["receipt"], "fee"), "counts and prices give"),
                (plus(lambda answer: answer["receipt"]["request"], "seed"), "another request")):
            world.assay.bad(3, "MISMATCH", part, *asked, "--provider", url)


def vote_once(world, batch):
    """Two validators find that the batch's one sample matches. Returns: what they were asked, None
    if a window closed first, as it may on a busy machine: the next round asks again."""
    probe, salt = "0x" + "77" * 32, "0x" + "55" * 32

    def duties(kind):
        document = world.node.get("/v1/duties/" + world.address[VOTERS[0]])
        return document, [one for one in document["duties"] if one["kind"] == kind]

    def signed(kind, **body):
        return [world.sign(kind, voter, **place, **body[voter]) for voter in VOTERS]

    def both(txs):
        status, answer = world.node.ask("/v1/tx?wait=20000", {"txs": txs})
        assert status == 200, answer
        return [one["code"] for one in answer["results"]] == [0, 0]
    until(lambda: duties("commit")[1], "a case to vote on")
    asked, [first, *_] = duties("commit")
    place = {"batch": batch, "sample": 0, "round": first["round"]}
    digests = {voter: hashlib.sha256(bytes.fromhex(world.address[voter][2:] + salt[2:] + "00" +
                                                   probe[2:])).hexdigest() for voter in VOTERS}
    if not both(signed("verdict_commit", **{voter: {"commitment": "0x" + digests[voter]}
                                            for voter in VOTERS})):
        return None
    revealed = {"salt": salt, "verdict": 0, "probe": probe}
    reveals = signed("verdict_reveal", **{voter: revealed for voter in VOTERS})

    def revealing():
        return duties("reveal")[1] or any(one["round"] > first["round"]
                                          for one in duties("commit")[1])
    until(revealing, "the window for reveals, or the next round")
    return asked if both(reveals) else None


def vote(world, batch):
    """Returns: what the validators were asked in the round that they decided."""
    asked = next(filter(None, (vote_once(world, batch) for _ in range(5))), None)
    assert asked, "in five rounds the windows closed before two validators had voted"
    until(lambda: world.node.get("/v1/batch/" + batch)["state"] == "settled", "settlement")
    return asked


def build(assay):
    """Returns: the world, the page's variables, its request bodies, and answers kept from moments
    that have passed."""
    world = World(assay)
    node, address = world.node, world.address
    names = registrations(world)
    provider = provider_start(world)
    session = node.tx("session", "open", "--provider", address["bob"], "--deposit", 9 * OPEN,
                      "--price-in", 10000, "--price-out", 20000, "--expiry", "+5000").json()
    names |= {"NODE": node.url, "PROVIDER": provider.url, "ACCOUNT": address["alice"],
              "PRINCIPAL": address["alice"], "VALIDATOR": address["carol"],
              "BOB": address["bob"], "CAROL": address["carol"],
              "SESSION": session["digest"], "TX": session["id"],
              "HEIGHT": session["height"], "RECIPIENT": address["alice"]}
    asked = ["ask", "--session", session["digest"], "--model", "base.assay", "--prompt",
             "Once upon a time", "--max-tokens", 3, "--key", "alice.key", "--node", node.url]
    answers_are_checked(world, provider, asked)
    bodies = {"request.json": request_catch(world, provider, asked),
              "question.json": json.dumps({"jsonrpc": "2.0", "id": 1, "method": "commit",
                                           "params": {"height": "2"}}).encode()}
    return world, names, bodies, provider


def batch_await(world, names):
    """After its first answer the provider has submitted its batch: the rest of its life."""
    batch = until(lambda: world.node.get("/v1/batches")["batches"], "a batch")[0]
    names |= {"BATCH": batch["id"], "ROOT": batch["root"][2:]}
    kept = {"/v1/duties/$VALIDATOR": vote(world, batch["id"])}
    epochs = range(10)
    paid = [e for e in epochs if world.node.get(f"/v1/epoch/{e}")["payouts"]][0]
    until(lambda: world.node.get(f"/v1/epoch/{paid}")["closed"], "the end of the epoch")
    names["EPOCH"] = paid
    return kept


def bodies_sign(world, bodies):
    """The transactions that the page posts."""
    to = {"to": world.address["bob"], "amount": 5 * OPEN}
    tx = world.sign("transfer", "alice", **to)
    late = world.sign("transfer", "alice", **to | {"amount": OPEN})  # with the same nonce
    bodies["signed.json"] = json.dumps({"tx": tx}).encode()

    def more():
        again = world.sign("transfer", "alice", **to)
        bodies["several.json"] = json.dumps({"txs": [again, late]}).encode()
    return more


# --- the page ---

def sections(text):
    """(curl line, answer or None, where the answer starts and ends) of each ```sh block."""
    pattern = re.compile(r"```sh\n(curl .*?)\n```\n(?:```json\n(.*?)\n```\n)?", re.S)
    for match in pattern.finditer(text):
        line = match.group(1).replace("\\\n", " ")
        yield line, match.group(2), match.span(2)


def fill(line, names):
    return re.sub(r"\$([A-Z]+)", lambda match: str(names[match.group(1)]), line)


def curl(line, names, bodies):
    """Runs one curl line of the page. Returns: HTTP status, and document or bytes."""
    url = re.search(r'"?(\$(?:NODE|PROVIDER)\S*?)"?(?:\s|$)', line).group(1)
    body = re.search(r"-d @(\S+)", line)
    target = fill(url, names)
    data = bodies[body.group(1)] if body else None
    request = urllib.request.Request(target, data=data)
    try:
        with urllib.request.urlopen(request, timeout=90) as reply:
            content, status, kind = reply.read(), reply.status, reply.headers["Content-Type"]
    except urllib.error.HTTPError as reply:
        content, status, kind = reply.read(), reply.code, reply.headers["Content-Type"]
    return status, json.loads(content) if kind == "application/json" else content


def number_like(value):
    return isinstance(value, int) and not isinstance(value, bool) or \
        isinstance(value, str) and value.isdigit()


def same_shape(written, real, where):
    """The page's answer and the real one: the same members, the same types."""
    if isinstance(written, dict):
        assert isinstance(real, dict) and set(written) == set(real), \
            f"{where}: the page has {sorted(written)}, the answer {sorted(real)}"
        for name in written:
            same_shape(written[name], real[name], f"{where}.{name}")
    elif isinstance(written, list):
        assert isinstance(real, list), where
        assert bool(written) == bool(real), f"{where}: empty in one, not in the other"
        for one, other in zip(written, real):
            same_shape(one, other, f"{where}[]")
    elif number_like(written):
        assert number_like(real), f"{where}: {real} is no number"
    else:
        assert isinstance(real, type(written)), f"{where}: {real!r} is not like {written!r}"


def shortened(value):
    """An answer as the page shows it: short lists, short hexadecimal."""
    if isinstance(value, dict):
        return {name: shortened(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shortened(one) for one in value[:2]]
    if isinstance(value, str) and len(value) > SHOWN:
        return value[:24] + "…"
    return value


def path_words(url):
    """The parts of a path that code knows by name: /v1/proof/payout/$EPOCH/$ACCOUNT."""
    return url.split("?")[0].strip("/").split("/")


def code_paths():
    """What the code answers to: (first word, number of parts), and the provider's prefixes."""
    node = set()
    for name in ("chain.c", "node.c", "registry.c", "work.c"):
        text = (SOURCE / "node/api" / name).read_text()
        node |= {(word, int(parts)) for word, parts in
                 re.findall(r'assay_api_is\(call, "(\w+)", (\d)\)', text)}
        for listed, parts in re.findall(r"assay_api_is\(call, (singular|plural)\[kind\], (\d)\)",
                                        text):
            words = re.search(rf"const {listed}\[\] = {{(.*?)}}", text).group(1)
            node |= {(word, int(parts)) for word in re.findall(r'"(\w+)"', words)}
    serve = (SOURCE / "node/cmd/serve.c").read_text()
    return node, set(re.findall(r'path, "(/[a-z0-9/]+)"', serve))


def test_every_path_is_documented(assay):
    text = PAGE.read_text()
    urls = [re.search(r"\$(NODE|PROVIDER)([^\"\s]*)", line).groups()
            for line, _, _ in sections(text)]
    plain = {path.split("?")[0] for at, path in urls
             if at == "NODE" and not path.startswith("/v1/")}
    code = {name: (SOURCE / "node/api" / name).read_text() for name in ("api.c", "light.c")}
    others = set(re.findall(r'path, "(/\w+)"', code["api.c"]))
    others |= {"/"} | {f"/{word}" for word in
                       re.findall(r'strcmp\(method, "(\w+)"\)', code["light.c"])}
    assert plain == others, (plain, others)
    node = {(path_words(path)[1], len(path_words(path)) - 1) for at, path in urls
            if at == "NODE" and path.split("?")[0] not in plain}
    there, prefixes = code_paths()
    assert len(there) >= 20 and len(prefixes) >= 4, (there, prefixes)
    assert node == there, f"undocumented: {there - node}; not in the code: {node - there}"
    for prefix in prefixes:
        assert any(path.startswith(prefix) for at, path in urls if at == "PROVIDER"), prefix
    for at, path in urls:
        assert at == "NODE" or any(path.startswith(prefix) for prefix in prefixes), path


def test_every_kind_is_documented(assay):
    alice = assay.key("alice")
    text = PAGE.read_text()
    rules = (SOURCE / "spec/protocol.md").read_text()
    kinds = re.findall(r"^\| \d+ \| ([a-z_]+) \| [01] \|", rules, re.M)
    assert len(kinds) == 21, kinds
    examples = [json.loads(line) for line in re.findall(r"^\{\"kind\".*\}$", text, re.M)]
    assert {example["kind"] for example in examples} == set(kinds) - {"beacon"}, kinds
    for number, example in enumerate(examples):
        example |= {"chain_id": 1, "genesis": ZERO, "signer": alice, "nonce": 0}
        name = f"example{number}.json"
        assay.write(name, example)
        digest = assay.good("tx", "digest", name)["digest"]
        typed = assay.good("tx", "typed", name)
        assert typed["primaryType"] == example["kind"].title().replace("_", ""), typed
        signed = assay.good("tx", "sign", name, "--key", "alice.key")
        assert signed["kind"] == example["kind"] and len(digest) == 66, signed


def payout_is_proven(world, names):
    """To someone with the genesis file, and to someone with a header alone (F-44, E-45)."""
    assay, node = world.assay, world.node
    commit = node.get("/commit?height=1")["result"]["signed_header"]["commit"]
    trust = ["--trust", f"1:{commit['block_id']['hash']}", "--node", node.url]
    assay.good("proof", "payout", "--epoch", names["EPOCH"], "--account", names["BOB"], "--out",
               "proof.json", "--node", node.url)
    checked = assay.good("proof", "check", "proof.json", "--genesis", "home/genesis.json")
    proven = assay.good("light", *trust, "--witness",
                        node.url.replace("127.0.0.1", "localhost"), "proof.json")
    assert proven["payouts"] == checked["payouts"] and proven["payouts"], (proven, checked)
    assert proven["height"] == checked["height"] and proven["valid"], (proven, checked)
    assert proven["fetched"] == 3 and proven["witnesses"] == 1, proven
    said = assay.run("light", *trust, "proof.json")
    assert said.code == 0 and f"was paid {proven['payouts'][0]['nopen']} nopen" in said.out, said
    above = proven["height"] + 1024
    error = assay.bad(3, "CAPACITY", "1024 blocks below the trusted header", "light", "--trust",
                      f"{above}:{'00' * 32}", "--node", node.url, "proof.json")
    assert "assay proof payout" in error["next"], error
    file = json.loads((assay.folder / "proof.json").read_text())
    file["payouts"][0]["nopen"] += 1
    assay.write("more.json", file)
    assay.bad(1, "MISMATCH", "", "light", *trust, "more.json")
    assay.bad(1, "MISMATCH", "", "proof", "check", "more.json", "--genesis", "home/genesis.json")
    file = json.loads((assay.folder / "proof.json").read_text())
    file["version"] = 1
    assay.write("old.json", file)
    assay.bad(1, "VERSION", "known is 2", "light", *trust, "old.json")


def payout_of_another_history(world, names):
    """A proof that holds down to its header, by the same operator: not the chain's (E-45)."""
    assay = world.assay
    shutil.copytree(assay.folder / "home", assay.folder / "fork")
    one, fork = assay.node(), assay.node(home="fork")
    asked = ["--epoch", names["EPOCH"], "--account", names["BOB"], "--out"]
    for number, node in enumerate((one, fork)):
        node.tx("transfer", "--to", names["BOB"], "--amount", 1 + number)
        assay.good("proof", "payout", *asked, f"of{number}.json", "--node", node.url)
    commit = one.get("/commit?height=1")["result"]["signed_header"]["commit"]
    trust = ["--trust", f"1:{commit['block_id']['hash']}", "--node"]
    claimed = assay.good("light", *trust, fork.url, "of1.json")["height"]
    until(lambda: one.height() >= claimed or one.blocks(1, key="alice"), "the other's height")
    assay.bad(1, "MISMATCH", f"the proof's header of height {claimed} is not the chain's", "light",
              *trust, one.url, "of1.json")
    assert one.term() == 0 and fork.term() == 0


def test_a_proxy_waits_longer_than_its_clients(assay):
    """An answer that a proxy cuts off is charged all the same."""
    asked = (SOURCE / "node/cmd/ask.c").read_text()
    client_ms = int(re.search(r"\bANSWER_MS = (\d+)", asked).group(1))
    waits = re.findall(r"^ +proxy_read_timeout (\d+)s;$", PAGE.read_text(), re.M)
    assert waits and all(1000 * int(seconds) > client_ms for seconds in waits), (waits, client_ms)


def test_every_curl_line_answers(assay):
    text = PAGE.read_text()
    world, names, bodies, provider = build(assay)
    several = bodies_sign(world, bodies)
    kept, answers = {}, []
    for line, written, place in sections(text):
        if "$BATCH" in line or "$VALIDATOR" in line or "$ROOT" in line:
            if "BATCH" not in names:
                kept |= batch_await(world, names)
        if "several.json" in line:
            several()
        path = re.search(r"\$(?:NODE|PROVIDER)([^\"\s]*)", line).group(1)
        status, real = (200, kept[path]) if path in kept else curl(line, names, bodies)
        if written is None:
            # Bytes, or nothing was posted: no answer to show.
            assert isinstance(real, bytes) or status == 404, (line, status, real)
            continue
        assert isinstance(real, dict), (line, real)
        answers.append((place, json.dumps(shortened(real), indent=1, ensure_ascii=False)))
        if os.environ.get("ASSAY_DOCS") != "write":
            same_shape(json.loads(written), real, line)
    if os.environ.get("ASSAY_DOCS") == "write":
        for (start, end), answer in reversed(answers):
            text = text[:start] + answer + text[end:]
        PAGE.write_text(text)
    payout_is_proven(world, names)
    assert provider.term() == 0, provider.said()
    assert world.node.term() == 0
    payout_of_another_history(world, names)


if __name__ == "__main__":
    main(globals())
