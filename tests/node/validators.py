#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Validators as their operators meet them: homes of their own, registrations, and beacon chains
that follow each other (F-57). usage: validators.py ASSAY [TEST…]"""
import hashlib
import json
import stat

from chain import OPEN, SECRETS, main

AA = "0x" + "aa" * 20
REGISTER = "assay validator register --home DIR --key FILE"
RENEW = "assay validator renew --home DIR --key FILE"
EPOCH = 2


def sha256(data, times=1):
    for _ in range(times):
        data = hashlib.sha256(data).digest()
    return data


def seed_of(number, length):
    """The rule once more."""
    return sha256(b"assay beacon chain" + bytes.fromhex(SECRETS["ed25519_seed"]) +
                  length.to_bytes(8, "big") + number.to_bytes(8, "big"))


class World:
    """A solo node whose chains are short, and its operator."""

    def __init__(self, assay, length, **secrets):
        self.assay = assay
        assay.write("secrets.json", dict(SECRETS, beacon_length=length, **secrets))
        self.genesis = assay.init(accounts=["alice", "operator"],
                                  params={"epoch_blocks": EPOCH})["genesis"]
        self.node = assay.node()
        self.operator = assay.key("operator")

    def beacon(self):
        return self.node.get("/v1/validator/" + self.operator)["beacon"]

    def nonce(self):
        return self.node.get("/v1/account/" + self.operator)["nonces"][0]

    def block(self):
        """One block. Returns: whether it had a beacon."""
        self.node.tx("transfer", "--to", AA, "--amount", 1)
        return self.beacon()["revealed"] == self.node.height()

    def words(self, *more, home="home", key="operator"):
        return ("validator", "renew", "--home", home, "--node", self.node.url, "--key",
                f"{key}.key", *more)

    def renew(self, *more):
        return self.assay.good(*self.words(*more))

    def status(self, code):
        """`assay status` without a word about an account. Returns: its first problem."""
        result = self.assay.run("status", "--node", self.node.url, "--json")
        document = result.json()
        assert result.code == code and document["healthy"] == (code == 0), result
        assert document["validator"]["address"] == self.operator, document
        return document["problems"][0] if code else None

    def left(self):
        """The same number from both."""
        text = self.node.ask("/metrics")[1].decode()
        [line] = [line for line in text.splitlines() if line.startswith("assay_beacons_left ")]
        assert int(line.split()[1]) == self.beacon()["left"], line
        return self.beacon()["left"]


def test_many_validators(assay):
    bond, words = 50 * OPEN, []
    for name in ("v1", "v2", "v3"):
        entry = assay.good("validator", "new", "--home", name, "--address", assay.key(name),
                           "--beacon-length", 100)
        assert entry["address"] == assay.key(name) and entry["chain_length"] == 100, entry
        assert stat.S_IMODE((assay.folder / name / "operator.json").stat().st_mode) == 0o600
        assay.write(f"{name}.json", entry)
        words += ["--validator", f"{name}.json={bond}"]
    before = (assay.folder / "v1/operator.json").read_bytes()
    assay.bad(3, "EXISTS", "is there already", "validator", "new", "--home", "v1", "--address", AA)
    made = assay.good("init", "--home", "v1", *words)
    genesis = json.loads((assay.folder / "v1/genesis.json").read_text())
    assert {v["address"] for v in genesis["validators"]} == {assay.key(f"v{i}") for i in (1, 2, 3)}
    assert all(v["consensus_bond"] == bond for v in genesis["validators"]), genesis
    assert made["supply"] == 3 * bond, made
    joined = assay.good("init", "--home", "v2", "--genesis", "v1/genesis.json")
    watcher = assay.good("init", "--home", "watcher", "--genesis", "v1/genesis.json")
    assert made["genesis"] == joined["genesis"] == watcher["genesis"], (made, joined, watcher)
    assert not (assay.folder / "watcher/operator.json").exists()
    assert (assay.folder / "v1/operator.json").read_bytes() == before
    result = assay.run("init", "--home", "later", "--genesis", "v1/genesis.json")
    assert "next: assay export --home later --to-cometbft" in result.out, result
    result = assay.run("init", "--home", "alone", "--operator", AA)
    assert "next: assay node --home alone" in result.out, result
    assert "nobody can pay a fee" in result.err, result
    assay.bad(3, "RANGE", "3 validators, the solo engine has one", "node", "--home", "v1")
    for more, part in (([], "one of --operator"), (["--operator", AA, *words], "only one of"),
                       (["--validator", "v1.json"], "FILE=NOPEN")):
        assay.bad(2, "USAGE", part, "init", "--home", "none", *more)
    assay.bad(3, "DUPLICATE", "named twice", "init", "--home", "none", *words[:2], *words[:2])


def test_a_validator_registers(assay):
    assay.init(accounts=["alice"], params={"epoch_blocks": 10, "power_step_ppm": 1000000})
    node = assay.node()
    address = assay.key("alice")
    assay.good("validator", "new", "--home", "alice", "--address", address)
    node.tx("bond", "--role", "consensus", "--amount", 400 * OPEN)
    # P-9: an agent cannot, is told who can, and has sent nothing.
    robot = assay.key("robot")
    node.tx("agent", "authorize", "--agent", robot, "--scopes", "verify", "--expiry", "+500",
            "--limit", OPEN)
    assay.bad(2, "USAGE", "the account's own keystore", "validator", "register", "--home", "alice",
              "--node", node.url, "--key", "robot.key", "--principal", address)
    assert node.get("/v1/account/" + robot)["nonces"][0] == 0
    sent = node.tx("validator", "register", "--home", "alice").json()
    assert sent["state"] == "committed", sent
    shown = node.get("/v1/validator/" + address)
    assert shown["key"] and shown["beacon"]["pending"] == 1 << 20, shown
    for _ in range(12):
        node.tx("transfer", "--to", AA, "--amount", 1)
    assert node.get("/v1/validator/" + address)["power"] > 0
    node.tx("validator", "register", "--home", "alice")  # nothing new, no second chain
    assert node.get("/v1/account/" + address)["nonces"][0] == 2 + 2 + 12 + 1
    # E-31: behind CometBFT the chain would wait for her, who runs no node.
    assert node.term() == 0
    move = ["export", "--home", "home", "--to-cometbft", "comet"]
    refused = assay.bad(3, "FORBIDDEN", "this validator has 100 of ", *move)
    assert "--with-others" in refused["next"], refused
    config = json.loads((assay.folder / "home/config.json").read_text())
    assert config["engine"] == "solo" and not (assay.folder / "comet").exists()
    assert assay.good(*move, "--with-others")["validators"] == 2


def test_a_used_up_chain_is_not_sent_again(assay):
    """Preimages that everybody has seen make no beacon (P-46)."""
    assay.write("secrets.json", dict(SECRETS, beacon_length=2))
    assay.init(accounts=["alice"])
    node = assay.node()
    operator = assay.key("operator")
    for _ in range(2):
        node.tx("transfer", "--to", AA, "--amount", 1)
    shown = node.get("/v1/validator/" + operator)
    assert shown["beacon"]["left"] == 0 and shown["beacon"]["revealed"] == 2, shown
    assay.bad(3, "EXISTS", "is used up, its last preimage of height 2", "validator", "register",
              "--home", "home", "--node", node.url, "--key", "operator.key")


def test_no_beacon_is_missed_between_two_chains(assay):
    world = World(assay, 40)
    assert world.node.get("/v1/node")["operator"] == world.operator
    told = world.beacon()
    assert told["head"] == "0x" + sha256(bytes.fromhex(SECRETS["beacon_seed"]), 40).hex(), told
    assert told["pending_tip"] is None, told
    # More than half is left: nothing is sent, and that is no failure.
    world.status(0)
    assert world.renew() == {"state": "lasting", "chain": 0, "left": 40, "length": 40,
                             "pending": 0}
    assert "more than half: nothing is sent" in assay.run(*world.words()).out
    while world.left() > 21:
        assert world.block()
    assert world.renew()["state"] == "lasting" and world.nonce() == 0
    problem = world.status(1)
    assert problem["next"] == RENEW and "ends in 21 of its own blocks" in problem["text"], problem
    assert world.block()
    assert world.renew()["state"] == "committed" and world.nonce() == 1
    tip = sha256(seed_of(1, 40), 40).hex()
    told = world.beacon()
    assert told["pending"] == 40 and told["pending_tip"] == "0x" + tip, told
    # Again, and at once: one waits already.
    for more in ([], ["--now"]):
        again = world.renew(*more)
        assert again["state"] == "waiting" and again["chain"] == 1, again
    assert "waits to come into force" in assay.run(*world.words()).out
    assert world.nonce() == 1
    world.status(0)
    while world.beacon()["pending"]:
        assert world.block()
    assert world.left() == 39  # the block at which it came into force had its first one
    assert world.block()
    # A restarted node opens chain 0 first.
    assert world.node.term() == 0
    world.node = assay.node()
    assert world.block()
    # And the next one, although more than half is left.
    assert world.renew()["chain"] == 1
    assert world.renew("--now")["state"] == "committed" and world.renew()["chain"] == 2
    while world.beacon()["pending"]:
        assert world.block()
    assert world.renew()["chain"] == 2
    assert world.node.term() == 0


def test_a_used_up_chain_is_renewed(assay):
    world = World(assay, 2)
    register = ("validator", "register", "--home", "home", "--node", world.node.url, "--key",
                "operator.key")
    assert world.block() and world.block() and not world.block()
    told = world.beacon()
    assert told["left"] == 0 and told["head"] == "0x" + SECRETS["beacon_seed"], told
    problem = world.status(1)
    assert "used up: batches are void" in problem["text"] and problem["next"] == RENEW, problem
    error = assay.bad(3, "EXISTS", "is used up", *register)
    assert error["next"] == RENEW, error
    assert world.renew()["state"] == "committed"
    problem = world.status(1)
    assert "used up: batches are void" in problem["text"] and "wait" in problem["next"], problem
    while world.beacon()["pending"]:
        world.block()
    assert world.beacon()["revealed"] == world.node.height()
    assert world.node.term() == 0


def test_what_cannot_be_renewed(assay):
    world = World(assay, 10, beacon_seed=seed_of(63, 10).hex())
    error = assay.bad(3, "NOT_FOUND", "has no beacon chain", *world.words(key="alice"))
    assert error["next"] == REGISTER, error
    assay.good("validator", "new", "--home", "other", "--address", AA, "--beacon-length", 10)
    error = assay.bad(3, "MISMATCH", "in force is none of the 64 of this home",
                      *world.words(home="other"))
    assert "the home" in error["next"], error
    # The last of its home: the chain in force is 63 of one with another seed for chain 0.
    assay.write("secrets.json", dict(SECRETS, beacon_length=10))
    assay.good("validator", "new", "--home", "last", "--address", AA, "--secrets", "secrets.json")
    assay.bad(3, "CAPACITY", "63 is the last of this home's 64", *world.words("--now", home="last"))
    # A stranger's waits: it would come into force in place of the home's own.
    chain_id = world.node.ready["chain_id"]
    assay.write("tx.json", {"kind": "register_chain", "chain_id": chain_id, "nonce": 0,
                            "genesis": world.genesis, "signer": world.operator,
                            "tip": "0x" + "77" * 32, "length": 10})
    signed = assay.good("tx", "sign", "tx.json", "--key", "operator.key")
    status, answer = world.node.ask("/v1/tx?wait=20000", {"tx": signed})
    assert status == 200 and answer["code"] == 0, answer
    assay.bad(3, "MISMATCH", "waits is none of the 64", *world.words())
    assert world.nonce() == 1 and world.node.term() == 0


if __name__ == "__main__":
    main(globals())
