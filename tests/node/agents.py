#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An agent's authority from end to end, by the command line against a real node: its scopes, its
limit, its expiry, its end (P-31). usage: agents.py ASSAY [TEST…]"""
from chain import OPEN, main, supply_holds, until

UNKNOWN, EXPIRED, SCOPE, LIMIT = 143, 144, 145, 146


def start(assay, **params):
    """A chain with a principal, an agent without a coin, a provider, and someone who makes blocks.
    Returns: the node, and the addresses by name."""
    names = ("alice", "bob", "filler")
    assay.init(accounts=names, params=params, distributor="0x" + "dd" * 20)
    address = {name: assay.key(name) for name in (*names, "robot", "drone")}
    node = assay.node()
    node.tx("bond", "--role", "provider", "--amount", 20 * OPEN, key="bob")
    return node, address


def authorize(node, address, agent="robot", scopes="session", limit=10 * OPEN, expiry="+500"):
    node.tx("agent", "authorize", "--agent", address[agent], "--scopes", scopes, "--limit", limit,
            "--expiry", expiry)


def session(node, address, deposit, key="robot", refused=None, principal="alice"):
    result = node.tx("session", "open", "--provider", address["bob"], "--deposit", deposit,
                     "--price-in", 10, "--price-out", 20, "--expiry", "+400", "--principal",
                     address[principal], key=key, expect=6 if refused else 0)
    if refused:
        error = result.json()["error"]
        assert error["reject"] == refused, f"expected {refused}: {error}"
        return None
    return result.json()["digest"]


def account(node, address):
    return node.get(f"/v1/account/{address}")


def test_within_the_limit(assay):
    node, address = start(assay)
    authorize(node, address)
    before = account(node, address["alice"])
    assert before["agent_limit"] == before["agent_left"] == 10 * OPEN, before
    assert before["agents"][0]["agent"] == address["robot"], before
    opened = node.get("/v1/session/" + session(node, address, 4 * OPEN))
    assert opened["principal"] == address["alice"] and opened["opener"] == address["robot"], opened
    after = account(node, address["alice"])
    spent = before["balance"] - after["balance"]
    assert 4 * OPEN < spent < 4 * OPEN + OPEN // 1000, spent  # the deposit and the fee
    assert after["agent_left"] == 10 * OPEN - spent, after  # the fee counts as well
    assert account(node, address["robot"])["balance"] == 0
    assert account(node, address["robot"])["nonces"][0] == 1, "the nonce is the signer's"
    node.tx("session", "close", opened["id"], "--principal", address["alice"], key="robot")
    supply_holds(node.get("/v1/status"))
    assert node.term() == 0


def test_over_the_limit(assay):
    node, address = start(assay, epoch_blocks=100000)
    authorize(node, address)
    authorize(node, address, agent="drone")  # the limit is one, for all agents together
    session(node, address, 4 * OPEN)
    session(node, address, 6 * OPEN, refused=LIMIT)  # the fees are over it
    session(node, address, 3 * OPEN, key="drone")
    session(node, address, 3 * OPEN, key="drone", refused=LIMIT)
    session(node, address, 3 * OPEN, refused=LIMIT)
    left = account(node, address["alice"])["agent_left"]
    assert 2 * OPEN < left < 3 * OPEN, left
    session(node, address, 2 * OPEN)
    # A new limit does not forget what was spent; the principal itself is bound by none.
    authorize(node, address, limit=9 * OPEN)
    assert account(node, address["alice"])["agent_left"] == 0
    session(node, address, 1, refused=LIMIT)
    node.tx("transfer", "--to", address["bob"], "--amount", 50 * OPEN)
    supply_holds(node.get("/v1/status"))
    assert node.term() == 0


def test_a_new_epoch_begins_anew(assay):
    node, address = start(assay, epoch_blocks=30)
    authorize(node, address)
    session(node, address, 6 * OPEN)
    # The open session's end keeps the blocks coming.
    epoch = node.get("/v1/status")["epoch"] + 1
    until(lambda: node.get("/v1/status")["epoch"] >= epoch, "the next epoch")
    assert account(node, address["alice"])["agent_left"] == 10 * OPEN
    session(node, address, 6 * OPEN)
    assert node.term() == 0


def test_outside_the_scope(assay):
    node, address = start(assay)
    authorize(node, address, scopes="session,batch")
    assay.write("data", "words\n" * 100)
    told = {}
    on_behalf = ["--principal", address["alice"]]
    for words in (["transfer", "--to", address["robot"], "--amount", 1],
                  ["bond", "--role", "verification", "--amount", 10 * OPEN],
                  ["withdraw", "--recipient", address["robot"], "--amount", 1],
                  ["dataset", "register", "--file", "data", "--name", "n", "--license", "x"],
                  ["agent", "authorize", "--agent", address["drone"], "--scopes", "transfer",
                   "--expiry", "+9", "--limit", OPEN],
                  ["agent", "revoke", "--agent", address["robot"]]):
        error = node.tx(*words, *on_behalf, key="robot", expect=6).json()["error"]
        assert error["reject"] == SCOPE, (words, error)
        told[words[0]] = error["text"]
    # In the words that the command line takes.
    assert told["transfer"] == "the agent's scopes are session,batch, transfer needs transfer", told
    assert told["agent"] == "no scope lets an agent send revoke_agent", told
    # Authority over others is no scope at all: not even an agent of everything has it.
    authorize(node, address, scopes="transfer,session,register,verify,batch,bond,withdraw")
    node.tx("transfer", "--to", address["robot"], "--amount", OPEN, *on_behalf, key="robot")
    error = node.tx("agent", "revoke", "--agent", address["robot"], *on_behalf, key="robot",
                    expect=6).json()["error"]
    assert error["reject"] == SCOPE, error
    assert len(account(node, address["alice"])["agents"]) == 1
    # Nobody else's agent, and nobody's principal.
    session(node, address, OPEN, refused=UNKNOWN, principal="filler")
    session(node, address, OPEN, refused=UNKNOWN, key="drone")
    assert node.term() == 0


def test_expiry_and_revocation(assay):
    node, address = start(assay)
    authorize(node, address, expiry="+6")
    end = account(node, address["alice"])["agents"][0]["expiry"]
    until(lambda: node.blocks(1) or node.height() >= end, "the expiry")
    session(node, address, OPEN, refused=EXPIRED)
    node.tx("agent", "authorize", "--agent", address["robot"], "--scopes", "session", "--limit", 1,
            "--expiry", 1, expect=6)  # an end before the beginning
    authorize(node, address)
    opened = session(node, address, OPEN)
    # Who revokes is told what that does not end.
    told = assay.run("agent", "revoke", "--agent", address["robot"], "--key", "alice.key", "--node",
                     node.url)
    assert told.code == 0 and "stay open to it: assay session close SESSION" in told.out, told
    assert node.get("/v1/session/" + opened)["opener"] == address["robot"]
    session(node, address, OPEN, refused=UNKNOWN)
    assert account(node, address["alice"])["agents"] == []
    assert node.term() == 0


if __name__ == "__main__":
    main(globals())
