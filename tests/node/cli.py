#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line as people and scripts meet it (F-9): help, exit codes, both forms of an error,
what each command prints. usage: cli.py ASSAY [TEST…]"""
import http.server
import json
import os
import pty
import re
import shutil
import stat
import subprocess
import termios
import threading
from pathlib import Path

from chain import OPEN, SECRETS, SOURCE, Replies, main, supply_holds, until

ZERO = "0x" + "00" * 32
AA = "0x" + "aa" * 20


def commands(assay):
    text = assay.run("--help").out
    names = re.findall(r"^  ([a-z][a-z ]*?)  +", text, re.M)
    assert len(names) > 30 and "tx sign" in names, text
    return names


def test_help_of_every_command(assay):
    for words in ("help", "--help", "-h", "version", "--version"):
        assert assay.run(words).code == 0, words
    assert assay.run().code == 2
    seen = set()
    for name in commands(assay):
        result = assay.run(*name.split(), "-h" if len(name) % 2 else "--help")
        assert result.code == 0 and not result.err, result
        assert result.out.startswith(f"assay {name} - "), result
        assert f"usage: assay {name}" in result.out, result
        options = re.findall(r"^  --([a-z0-9-]+)( [A-Z0-9=:.|]+)?", result.out, re.M)
        assert {"json", "help"} <= {option for option, _ in options}, result
        for option, value in sorted(set(options) - seen):
            # What the help names is known, and takes a value exactly if the help says so.
            tried = assay.run(*name.split(), f"--{option}=?", "--no-such-option")
            assert tried.code == 2, tried
            assert f'unknown argument "--{option}' not in tried.err, tried
            assert ("takes no value" in tried.err) == (not value), tried
        seen |= set(options)
    for group in ("tx", "key", "session"):
        result = assay.run(group, "--help")
        assert result.code == 0 and f"  {group} " in result.out, result
        assert assay.bad(2, "USAGE", "unknown command", group)["next"] == f"assay {group} --help"


def test_every_command_refuses_wrong_usage(assay):
    for name in commands(assay):
        error = assay.bad(2, "USAGE", 'unknown argument "--no-such-option"', *name.split(),
                          "--no-such-option")
        assert error["next"] == f"assay {name} --help", error
        help_text = assay.run(*name.split(), "--help").out
        required = re.findall(r"^  (?:--)?(\S+).*\(required\)$", help_text, re.M)
        if required:
            assay.bad(2, "USAGE", f"{required[0]} is missing", *name.split())
    assay.bad(2, "USAGE", 'unknown command "nonsense"', "nonsense")
    assay.bad(2, "USAGE", "given twice", "status", "--node", "a", "--node", "b")
    assay.bad(2, "USAGE", "home is missing", "node")
    assay.bad(2, "USAGE", "abci is missing", "node", "--app", "kv")
    assay.bad(2, "USAGE", "is no application", "node", "--app", "nonsense", "--abci", "tcp://a:1")
    assay.bad(2, "USAGE", "is neither", "node", "--app", "kv", "--abci", "nowhere")
    assay.bad(2, "USAGE", "known are", "node", "--app", "kv", "--abci", "tcp://a:1", "--log", "no")
    # Nothing that was asked for is dropped in silence.
    for one, other, words in (
            *(("genesis", name, ["init", "--home", "h", "--genesis", "g", f"--{name}", value])
              for name, value in (("chain-id", 2), ("account", f"{AA}=1"), ("name", "x"),
                                  ("secrets", "s"), ("params", "p"), ("distributor", AA))),
            ("genesis", "testnet", ["init", "--home", "h", "--genesis", "g", "--testnet"]),
            *(("validator", name, ["init", "--home", "h", "--validator", "v=1", f"--{name}", value])
              for name, value in (("operator-bond", 1), ("secrets", "s"), ("beacon-length", 9))),
            ("secrets", "beacon-length", ["validator", "new", "--home", "h", "--address", AA,
                                          "--secrets", "s", "--beacon-length", 9]),
            ("watch", "batch", ["verify", "--model", "m", "--watch", "--batch", ZERO]),
            ("watch", "leaf", ["verify", "--model", "m", "--watch", "--leaf", 0]),
            *(("app", name, ["node", "--app", "kv", "--abci", "tcp://a:1", f"--{name}", value])
              for name, value in (("listen", "a:1"), ("threads", 2), ("engine", "abci"))),
            ("rerun none", "samples", ["audit", "--home", "h", "--rerun", "none", "--samples", 3]),
            ("rerun none", "model", ["audit", "--home", "h", "--rerun", "none", "--model", "m"]),
            ("rerun all", "seed", ["audit", "--home", "h", "--rerun", "all", "--seed", 3]),
            ("batch", "metrics", ["verify", "--model", "m", "--batch", ZERO, "--metrics", "a:1"])):
        assay.bad(2, "USAGE", f"--{other} has no effect beside --{one}", *words)
    assay.bad(2, "USAGE", "--height has no effect beside FILE", "light", "proof", "--trust",
              "1:" + "00" * 32, "--node", "http://127.0.0.1:1", "--height", 7)
    assay.bad(2, "USAGE", '"foo", known are', "version", "--isa", "foo")
    assay.environment["ASSAY_ISA"] = "foo"
    assay.bad(2, "USAGE", "or ASSAY_ISA", "version")


def test_offline_commands_refuse_bad_input(assay):
    assay.key("alice")
    assay.init(accounts=["alice"])
    assay.write("empty", "")
    assay.write("list", [])
    assay.write("short", "ab")
    assay.write("zero", "00" * 32)
    assay.write("deep", "[" * 10000)
    assay.write("tx", {"kind": "transfer"})
    for words, code, name, part in (
            ("key make --out alice.key --light", 3, "EXISTS", "alice.key"),
            ("key make --out no/where --light", 3, "NOT_FOUND", "no/where"),
            ("key make --out k --light --secret-file short", 3, "FORMAT", "need 64"),
            ("key make --out k --light --secret-file zero", 3, "RANGE", ""),
            ("key make --out k --light --password-file none", 3, "NOT_FOUND", "none"),
            ("key make --out k --light --password-file empty", 2, "USAGE",
             "the password of a new key is empty: empty"),
            ("key show none", 3, "NOT_FOUND", "none"),
            ("key show empty", 3, "FORMAT", "empty line 1"),
            ("key show list", 3, "MISSING", "version is missing"),
            ("key show deep", 3, "DEPTH", "limit 32"),
            ("key show alice.key --password-file short", 3, "FORBIDDEN", "wrong password"),
            (f"init --home home --operator {AA}", 3, "EXISTS", "is a home already"),
            ("init --home h2 --operator 0xaa", 2, "USAGE", "--operator"),
            (f"init --home h2 --operator {AA} --account {AA}", 2, "USAGE", "ADDRESS=NOPEN"),
            (f"init --home h2 --operator {AA} --account {AA}=x", 2, "USAGE", "balance"),
            (f"init --home h2 --operator {AA} --account {AA}=9223372036854775807", 3, "RANGE",
             "supply"),
            (f"init --home h2 --operator {AA} --listen nowhere", 2, "USAGE", "HOST:PORT"),
            (f"init --home h2 --operator {AA} --params list", 3, "FORMAT", "params"),
            (f"init --home h2 --operator {AA} --params tx", 3, "UNKNOWN", "kind"),
            (f"init --home h2 --operator {AA} --secrets empty", 3, "FORMAT", "empty line 1"),
            (f"init --home h2 --operator {AA} --operator-bond 1", 3, "RANGE", "consensus_bond"),
            (f"init --home h2 --operator {AA} --name {'x' * 100}", 3, "CAPACITY", "100 bytes"),
            ("node --home none", 3, "NOT_FOUND", "none/config.json"),
            ("backup --home none --out b", 3, "NOT_FOUND", "none/config.json"),
            ("backup --home home --out home", 3, "EXISTS", "not empty"),
            ("backup --home home --out b", 3, "NOT_FOUND", "cannot open the store"),
            ("tx digest none", 3, "NOT_FOUND", "none"),
            ("tx digest empty", 3, "FORMAT", "empty line 1"),
            ("tx digest tx", 3, "MISSING", "genesis is missing"),
            ("tx typed list", 3, "MISSING", "genesis is missing"),
            ("tx sign tx --key alice.key", 3, "MISSING", "genesis is missing"),
            ("proof check none --genesis home/genesis.json", 3, "NOT_FOUND", "none"),
            ("proof check empty --genesis home/genesis.json", 1, "FORMAT", "empty line 1"),
            ("proof check list --genesis home/genesis.json", 1, "MISSING", "version"),
            ("proof check list --genesis none", 3, "NOT_FOUND", "none"),
            ("proof check list --genesis list", 3, "FORMAT", "not an object"),
            ("proof check list --genesis empty", 3, "FORMAT", "genesis line 1"),
            ("dataset inspect none", 3, "NOT_FOUND", "none"),
    ):
        assay.bad(code, name, part, *words.split())
    assert not (assay.folder / "k").exists() and not (assay.folder / "h2").exists()
    # Names of files need not be UTF-8, but JSON is: nothing is done that could not be told.
    make = ["key", "make", "--light", "--out", os.fsdecode(b"n\xf6ne")]
    assay.bad(2, "USAGE", "arguments in UTF-8", *make)
    assert not (assay.folder / make[-1]).exists()
    assert assay.run(*make).code == 0 and (assay.folder / make[-1]).exists()


def test_errors_name_their_file_or_option(assay):
    assay.write("zero", "00" * 32)
    (assay.folder / "latin").write_bytes(b"caf\xe9 " * 100)
    (assay.folder / "syntax").mkdir()
    assay.write("syntax/config.json", '{"version": 1,')
    for words, code, name, part in (
            ("dataset inspect latin", 3, "FORMAT", "latin: data set is not UTF-8"),
            ("model check zero", 3, "CAPACITY", "zero: "),
            ("adapter check zero", 3, "CAPACITY", "zero: "),
            (f"init --home h2 --operator {AA} --listen :99999", 2, "USAGE", "port is 99999"),
            (f"init --home h2 --operator {AA} --account {AA}=9223372036854775808", 2, "USAGE",
             "balance is"),
            ("node --home syntax", 2, "CONFIG", "config line 1"),
            (f"verify --model m --batch 0xaa --leaf 0", 2, "USAGE", "--batch"),
            ("audit --home none --evidence nowhere", 3, "NOT_FOUND", "no evidence at nowhere"),
            ("ask --key k --provider u --session 0xaa --model m", 2, "USAGE", "--session"),
            (f"ask --key k --provider u --session {ZERO} --model m --adapter a.b", 2, "USAGE",
             "--adapter"),
            ("adapter register --key k --file f --model m --name n --source 0xaa=1", 2, "USAGE",
             "--source"),
            ("adapter register --key k --file f --model m --name n --source x", 2, "USAGE",
             "--source"),
    ):
        assay.bad(code, name, part, *words.split())


def test_an_output_replaces_its_own_kind_alone(assay):
    """What --out would destroy is refused before anything is done."""
    assay.key("victim")
    model = SOURCE / "testnet/model"
    adapter = assay.folder / "lora"
    os.symlink("victim.key", assay.folder / "link")
    os.mkfifo(assay.folder / "pipe")
    assay.write("empty", "")
    before = (assay.folder / "victim.key").read_bytes()
    for out, part in (("victim.key", "file: remove it first"), ("link", "no regular file"),
                      ("pipe", "no regular file"), (".", "no regular file")):
        for words in (["model", "import", model], ["adapter", "import", adapter],
                      ["proof", "payout", "--epoch", 0, "--account", AA]):
            assay.bad(3, "EXISTS", part, *words, "--out", out)
    assert (assay.folder / "victim.key").read_bytes() == before
    for out in ("new", "empty", "new"):
        assay.good("model", "import", model, "--out", out)
    assay.bad(3, "EXISTS", "no adapter file", "adapter", "import", adapter, "--out", "new")


def test_online_commands_refuse_bad_input(assay):
    alice = assay.key("alice")
    assay.key("poor")
    assay.init(accounts=["alice"])
    node = assay.node()
    signed = ["--key", "alice.key", "--node", node.url]
    gone = ["--node", "http://127.0.0.1:1"]
    assay.write("model", "no model")
    for name, words in (
            ("status", []), ("account", [AA]), ("session show", [ZERO]), ("tx status", [ZERO]),
            ("dataset list", []), ("settle", ["--epoch", 0]), ("model list", []),
            ("transfer", ["--to", AA, "--amount", 1, "--key", "alice.key"]),
            ("proof payout", ["--epoch", 0, "--account", AA, "--out", "p"])):
        assay.bad(5, "NETWORK", "cannot fetch", *name.split(), *words, *gone)
        assay.bad(2, "USAGE", "is no URL", *name.split(), *words, "--node", "nowhere")
    asked = ["--node", node.url]
    for words, code, name, part in (
            (["account", "0xaa", *asked], 2, "USAGE", "2 hexadecimal digits, need 40"),
            (["session", "show", ZERO, *asked], 3, "NOT_FOUND", "no such session"),
            (["session", "show", AA, *asked], 2, "USAGE", "need 64"),
            (["tx", "status", ZERO, *asked], 3, "NOT_FOUND", "no such transaction"),
            (["settle", "--epoch", "x", *asked], 2, "USAGE", "no number"),
            (["proof", "payout", "--epoch", 0, "--account", AA, "--out", "p", *asked], 3,
             "NOT_FOUND", "not closed"),
            (["transfer", "--to", AA, "--amount", 0, *signed], 2, "USAGE", "amount is 0"),
            (["transfer", "--to", "me", "--amount", 1, *signed], 2, "USAGE", "--to"),
            (["transfer", "--to", AA, "--amount", 10 ** 16, *signed], 6, "REJECTED",
             f"balance {1000 * OPEN} nopen, {10 ** 16} and a fee of "),
            (["transfer", "--to", AA, "--amount", 1, "--key", "poor.key", *asked], 6, "REJECTED",
             "balance 0 nopen, 1 and a fee of "),
            (["session", "open", "--provider", AA, "--deposit", 1, "--price-in", 0, "--price-out",
              1, "--expiry", 1, *signed], 2, "USAGE", "price-in is 0, limits 1 to"),
            (["agent", "revoke", "--agent", AA, "--key", "poor.key", *asked], 6, "REJECTED", "fee"),
            (["transfer", "--to", AA, "--amount", 1, "--principal", AA, *signed], 6, "REJECTED",
             "agent"),
            (["transfer", "--to", AA, "--amount", 1, "--principal", "x", *signed], 2, "USAGE",
             "--principal"),
            (["transfer", "--to", AA, "--amount", 1, "--wait-ms", 60001, *signed], 2, "USAGE",
             "limits 0 to 60000"),
            (["bond", "--role", "king", "--amount", 1, *signed], 2, "USAGE", "role \"king\""),
            (["bond", "--role", "provider", "--amount", 1, *signed], 6, "REJECTED", "minimum"),
            (["unbond", "--role", "provider", "--amount", 1, *signed], 6, "REJECTED", ""),
            (["withdraw", "--recipient", AA, "--amount", 1, *signed], 3, "FORBIDDEN",
             "names no distributor"),
            (["agent", "authorize", "--agent", AA, "--scopes", "bond", "--expiry", "+0", "--limit",
              1, *signed], 2, "USAGE", "--expiry is 0"),
            (["withdraw", "--recipient", "x", "--amount", 1, *signed], 2, "USAGE", "--recipient"),
            (["agent", "authorize", "--agent", AA, "--scopes", "fly", "--expiry", 9, "--limit", 1,
              *signed], 2, "USAGE", "scope \"fly\""),
            (["agent", "authorize", "--agent", AA, "--scopes", "", "--expiry", 9, "--limit", 1,
              *signed], 2, "USAGE", "known are transfer, session"),
            (["agent", "authorize", "--agent", AA, "--scopes", "bond", "--expiry", "+x", "--limit",
              1, *signed], 2, "USAGE", "--expiry"),
            (["agent", "revoke", "--agent", AA, *signed], 6, "REJECTED", ""),
            (["session", "open", "--provider", AA, "--deposit", 1, "--price-in", 1, "--price-out",
              1, "--expiry", 1, *signed], 3, "FORBIDDEN", f"{AA} has no provider bond that counts"),
            (["session", "close", ZERO, *signed], 6, "REJECTED", "session"),
            (["dataset", "register", "--file", "model", "--name", "n\n", "--license", "x",
              *signed], 6, "REJECTED", "control character"),
            (["dataset", "retire", ZERO, *signed], 6, "REJECTED", "data set"),
            (["model", "register", "--file", "model", "--name", "n", *signed],
             3, "CAPACITY", "header"),
            (["tx", "send", "none", *asked], 3, "NOT_FOUND", "none"),
    ):
        error = assay.bad(code, name, part, *words)
        assert (code == 6) == (error["reject"] >= 100), error
        assert code != 2 or error["next"].endswith(" --help"), error
    assert not (assay.folder / "p").exists()
    assert node.balance(alice) > 999 * OPEN
    assert node.term() == 0


def test_one_mistake_has_one_exit_code(assay):
    """F-9: what is no address of a node, and what an option's words do not allow, is USAGE, with
    the command's help to look at."""
    assay.key("alice")
    signed = ["--key", "alice.key", "--amount", 1]
    one = ["--batch", ZERO, "--leaf", 0, "--key", "alice.key"]
    for url in ("ftp://x", "not a url", "", "x" * 300, "http://a b", "localhost:26650",
                "file:///etc/hostname"):
        for words in (["account", AA], ["status"], ["transfer", "--to", AA, *signed],
                      ["verify", "--model", "m", *one], ["light", "--trust", f"1:{ZERO[2:]}"]):
            error = assay.bad(2, "USAGE", "", *words, "--node", url)
            assert error["next"] == f"assay {words[0]} --help", error
    assay.bad(2, "USAGE", 'amount is "1.5", wanted whole nopen: 10^9 nopen are 1 OPEN', "transfer",
              "--to", AA, "--key", "alice.key", "--amount", "1.5")
    for url in ("nix", "localhost:26670", "file:///etc/hostname"):
        assay.bad(2, "USAGE", "--provider", "ask", "--session", ZERO, "--model", "m", "--provider",
                  url, "--key", "alice.key")
    for words in (["bond", "--role", "foo", *signed], ["verify", "--model", "m", "--leaf", 0]):
        error = assay.bad(2, "USAGE", "", *words)
        assert error["next"] == f"assay {words[0]} --help", error


def test_amounts_that_leave_nothing_for_the_fee(assay):
    """P-27: what a block would refuse, for a fee, is refused before it is sent."""
    assay.key("alice")
    bob = assay.key("bob")
    assay.init(accounts=["alice", "bob"], distributor="0x" + "dd" * 20)
    node = assay.node()
    whole = node.balance(assay.key("alice"))
    for words in (["transfer", "--to", bob, "--amount"], ["bond", "--role", "provider", "--amount"],
                  ["withdraw", "--recipient", AA, "--amount"],
                  ["session", "open", "--provider", bob, "--price-in", 1, "--price-out", 1,
                   "--expiry", 100, "--deposit"]):
        error = assay.bad(6, "REJECTED", f"balance {whole} nopen, {whole} and a fee of ", *words,
                          whole, "--node", node.url, "--key", "alice.key")
        assert error["text"].endswith(" needed") and node.height() == 0, error
    fee = int(assay.run("transfer", "--to", bob, "--amount", whole, "--node", node.url, "--key",
                        "alice.key").err.split()[-2])
    node.tx("transfer", "--to", bob, "--amount", whole - fee)
    assert node.balance(assay.key("alice")) == 0
    assert node.term() == 0


def test_a_refusal_in_a_block_says_what_it_cost(assay):
    alice = assay.key("alice")
    assay.init(accounts=["alice"])
    node = assay.node()
    before = node.balance(alice)
    error = assay.bad(6, "REJECTED", ", for a fee of ", "bond", "--role", "provider", "--amount", 1,
                      "--key", "alice.key", "--node", node.url)
    assert before - node.balance(alice) == int(re.findall(r"fee of (\d+) nopen", error["text"])[0])
    assert error["next"].endswith(f" --node {node.url}"), error
    assert assay.run(*error["next"].split()[1:]).code == 1, error
    assert node.term() == 0


def test_a_stray_output_is_told(assay):
    """Exit code 0 means that what was printed has arrived."""
    with open("/dev/full", "w") as full:
        for words in (["version"], ["version", "--json"], ["--help"]):
            done = subprocess.run([assay.program, *words], stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False)
            assert done.returncode == 4, done
            assert "cannot write the output: No space left on device" in done.stderr, done


def prompted(assay, words, *typed):
    """Runs a command on a terminal of its own and types what it asks for. Returns: its exit code
    and everything the terminal showed."""
    environment = {name: value for name, value in os.environ.items() if name != "ASSAY_PASSWORD"}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(assay.folder)
        os.execve(assay.program, [assay.program, *words], environment)
    shown = b""
    typed = list(typed)
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
        if shown.rstrip(b" ").endswith(b":") and typed:
            mute = not termios.tcgetattr(terminal)[3] & termios.ECHO
            assert mute, f"the terminal shows what is typed after {shown}"
            os.write(terminal, typed.pop(0))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    return code, shown.decode()


def test_passwords_are_asked_unseen(assay):
    make = ["key", "make", "--out", "asked.key", "--light"]
    code, shown = prompted(assay, make, b"secret one\n", b"secret two\n")
    assert code == 2 and "the two passwords differ" in shown, shown
    assert not (assay.folder / "asked.key").exists()
    for given in (b"\x03", b"half\x03", b"\x04"):  # Ctrl-C, also amid the line, and Ctrl-D
        code, shown = prompted(assay, make, given)
        assert code == 2 and "no password was given" in shown, shown
    code, shown = prompted(assay, make, b"x" * 1100 + b"\n")
    assert code == 3 and "password of more than 1024 bytes" in shown, shown
    code, shown = prompted(assay, make, b"\n", b"\n")
    assert code == 2 and "the password of a new key is empty" in shown, shown
    code, shown = prompted(assay, make, b"secret one\n", b"secret one\n")
    assert code == 0 and "secret" not in shown and "0x" in shown, shown
    code, shown = prompted(assay, ["key", "show", "asked.key"], b"secret two\n")
    assert code == 3 and "wrong password" in shown, shown
    code, shown = prompted(assay, ["key", "show", "asked.key"], b"secret one\n")
    assert code == 0 and "secret" not in shown, shown
    # Without a terminal there is nobody to ask, and standard input is no place for a password.
    del assay.environment["ASSAY_PASSWORD"]
    assay.bad(2, "USAGE", "no terminal to ask for a password on", "key", "show", "asked.key",
              start_new_session=True)


def test_import_shows_progress_on_a_terminal_alone(assay):
    model = Path(__file__).resolve().parents[2] / "testnet/model"
    quiet = assay.run("model", "import", model, "--out", "one", "--threads", 1)
    assert quiet.code == 0 and quiet.err == "", quiet
    ours, terminal = pty.openpty()
    done = subprocess.run([assay.program, "model", "import", model, "--out", "two", "--threads",
                           "3"], cwd=assay.folder, stderr=terminal, stdout=subprocess.DEVNULL,
                          check=False)
    os.close(terminal)
    shown = ""
    while not shown.endswith("\x1b[K"):
        shown += os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert done.returncode == 0, shown
    assert re.search(r"quantising \[#+\.+\] +\d+ %  \d+ s left", shown), shown
    one, two = (assay.folder / name for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assay.bad(2, "USAGE", "threads is 0", "model", "import", model, "--out", "two", "--threads", 0)


def test_import_takes_a_shorter_context(assay):
    words = "model", "import", Path(__file__).resolve().parents[2] / "testnet/model", "--out", "one"
    assert assay.good(*words, "--context", 64)["context"] == 64
    assay.bad(2, "USAGE", "context is 0", *words, "--context", 0)
    assay.bad(2, "USAGE", "context is 131073", *words, "--context", 131073)
    assay.bad(3, "RANGE", "the model's own is 512", *words, "--context", 513)


def test_import_and_check_say_the_stop_ids(assay):
    """F-28: where an output ends is in the configuration, or apart, or nowhere."""
    model = shutil.copytree(SOURCE / "testnet/model", assay.folder / "model")
    for stops, said in (([7, 3], "3, 7"), ([], "no token"), (None, "0")):
        assay.write("model/generation_config.json", json.dumps({"eos_token_id": stops}))
        wanted = [0] if stops is None else sorted(stops)
        assert assay.good("model", "import", model, "--out", "one")["stop_ids"] == wanted
        assert assay.good("model", "check", "one")["stop_ids"] == wanted
        told = assay.run("model", "check", "one")
        assert f"\nstops    after {said}\n" in told.out, told


def test_init_is_repeatable(assay):
    first = assay.init(home="a", accounts=["alice", "bob"], params={"epoch_blocks": 7})
    second = assay.init(home="b", accounts=["bob", "alice"], params={"epoch_blocks": 7})
    assert first["genesis"] == second["genesis"], (first, second)
    for name in ("config.json", "genesis.json", "operator.json"):
        one, two = (assay.folder / home / name for home in "ab")
        assert one.read_bytes() == two.read_bytes(), name
    operator = json.loads((assay.folder / "a/operator.json").read_text())
    assert operator["ed25519_seed"].endswith(SECRETS["ed25519_seed"]), operator
    assert stat.S_IMODE((assay.folder / "a/operator.json").stat().st_mode) == 0o600
    other = assay.init(home="c", accounts=["alice", "bob"], params={"epoch_blocks": 8})
    assert other["genesis"] != first["genesis"]
    # Without secrets, each chain has its own.
    words = ["init", "--operator", AA, "--time", 1, "--home"]
    assert assay.good(*words, "d")["genesis"] != assay.good(*words, "e")["genesis"]


def test_init_that_did_not_end(assay):
    words = ["init", "--operator", AA, "--time", 1, "--home", "h"]
    assay.good(*words)
    (assay.folder / "h/config.json").unlink()
    before = (assay.folder / "h/operator.json").read_bytes()
    assay.bad(3, "EXISTS", "remove it, if no genesis has its key", *words)
    assert (assay.folder / "h/operator.json").read_bytes() == before
    (assay.folder / "h/operator.json").unlink()
    assay.good(*words)


def test_every_ledger_command_works(assay):
    alice, bob = assay.key("alice"), assay.key("bob")
    # A session that closes must still be closing at the end, however slow the machine is.
    made = assay.init(accounts=["alice", "bob"], chain_id=77, params={"close_delay": 5000},
                      distributor=AA)
    node = assay.node()
    assert node.ready["chain_id"] == 77 and node.ready["genesis"] == made["genesis"], node.ready
    asked = ["--node", node.url]

    def send(*words, key="alice"):
        sent = node.tx(*words, key=key).json()
        assert sent["state"] == "committed" and sent["height"] > 0, sent
        return sent

    sent = send("transfer", "--to", bob, "--amount", 5 * OPEN)
    assert node.balance(bob) == 1005 * OPEN
    fate = assay.good("tx", "status", sent["id"], *asked)
    assert fate["state"] == "committed" and fate["code"] == 0, fate
    assert fate["height"] == sent["height"], fate
    send("bond", "--role", "provider", "--amount", 20 * OPEN, key="bob")
    send("unbond", "--role", "provider", "--amount", 5 * OPEN, key="bob")
    before = send("withdraw", "--recipient", AA, "--amount", 3)["height"]
    opened = send("session", "open", "--provider", bob, "--deposit", 7 * OPEN, "--price-in", 10,
                  "--price-out", 20, "--expiry", "+500")
    session = assay.good("session", "show", opened["digest"], *asked)
    assert session["free"] == 7 * OPEN and session["principal"] == alice, session
    assert before + 500 <= session["expiry"] <= opened["height"] + 500, session
    shown = assay.run("session", "show", opened["digest"], *asked)
    assert f"open since block {opened['height']}, until block {session['expiry']}" in shown.out
    send("session", "close", opened["digest"])
    assay.write("data", "It was the best of times, it was the worst of times.\n" * 100)
    send("dataset", "register", "--file", "data", "--name", "times", "--license", "CC0-1.0",
         "--uri", "https://example.org/times")
    data = assay.good("dataset", "list", *asked)["datasets"][0]
    assert data["name"] == "times" and data["owner"] == alice, data
    assert data["root"] == assay.good("dataset", "inspect", "data")["root"], data
    send("dataset", "retire", data["root"])
    assert assay.good("dataset", "list", *asked)["datasets"][0]["retired"] > 0
    assert assay.good("model", "list", *asked) == {"models": []}
    assert assay.good("adapter", "list", *asked) == {"adapters": []}
    account = assay.good("account", bob, *asked)
    assert account["bonds"][0]["active"] == 15 * OPEN, account
    status = assay.good("status", *asked)
    assert status["healthy"] and status["testnet"] and status["waiting"] == 0, status
    supply_holds(status)
    # And for people: no braces, the amounts in OPEN.
    for words, part in ((["status"], "health    healthy"), (["account", bob], "provider 15 OPEN"),
                        (["session", "show", opened["digest"]], "closes, ends at block"),
                        (["tx", "status", sent["id"]], "result    done"),
                        (["dataset", "list"], "times, CC0-1.0, 5300 bytes")):
        result = assay.run(*words, *asked)
        assert result.code == 0 and part in result.out and "{" not in result.out, result
        assert len(result.out.splitlines()) < 24, result
    result = assay.run("settle", "--epoch", 0, *asked)
    assert result.code == 1 and "the epoch is open" in result.out, result
    result = assay.run("settle", "--epoch", 7, *asked)
    assert result.code == 1 and "has not begun: it is epoch 0" in result.out, result
    assert assay.run("settle", "--epoch", 0, "--json", *asked).json()["closed"] is False
    assert node.term() == 0


def test_settle_adds_up_what_no_supply_holds(assay):
    """P-71: an entry may reach 2^64 - 1, and the sum stops there."""
    most = 2 ** 64 - 1
    rows = [{"account": f"0x{i:040x}", "role": 1, "nopen": nopen}
            for i, nopen in ((1, str(most)), (2, 5))]
    answers = {"/v1/status": {"chain_id": 7, "genesis": "0x" + "11" * 32},
               "/v1/epoch/0": {"epoch": 0, "closed": True, "payouts": rows, "more": False}}

    class Handler(Replies):
        def do_GET(self):
            self.reply(200, json.dumps(answers[self.path.split("?")[0]]).encode())

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        result = assay.run("settle", "--epoch", 0, "--node",
                           f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    shown = [line.split()[-1] for line in result.out.splitlines()[1:]]
    assert result.code == 0 and shown == [str(most), "5", str(most)], result


def test_a_data_set_that_no_tokenizer_takes_is_named(assay):
    """A-4, F-8, F-56: its registration does not see it; who loads it is told which one it is."""
    assay.key("alice")
    assay.init(accounts=["alice"])
    node = assay.node()
    assay.good("model", "import", SOURCE / "testnet/model", "--out", "base.assay")
    assay.write("run", "a" * (4 * 2 ** 20 + 1))
    assert assay.good("dataset", "inspect", "run")["byte_count"] == 4 * 2 ** 20 + 1
    result = assay.run("verify", "--batch", ZERO, "--leaf", 0, "--model", "base.assay", "--dataset",
                       "run", "--key", "alice.key", "--node", node.url)
    assert "cannot be checked or answered for: run: a word of 4194305 bytes" in result.err, result
    assert result.code == 3 and "no such batch" in result.err, result  # it is no end of all else
    assert node.term() == 0


def test_nothing_waits_with_wait_0(assay):
    assay.key("alice")
    assay.init(accounts=["alice"])
    node = assay.node("--block-ms", 600000)  # no block comes by itself
    words = ["transfer", "--to", AA, "--amount", 1, "--wait-ms", 0]
    first = node.tx(*words).json()
    assert first["state"] == "pending" and first["height"] == 0, first
    second = node.tx(*words).json()  # the next nonce, although no block came between
    assert second["id"] != first["id"], second
    result = assay.run("tx", "status", first["id"], "--node", node.url)
    assert result.code == 1 and "waits for a block" in result.out, result
    result = assay.run(*words, "--key", "alice.key", "--node", node.url)
    assert result.code == 0 and "in no block yet" in result.out, result
    assert f"next: assay tx status 0x" in result.out, result
    assert result.out.endswith(f" --node {node.url}\n"), result
    # Too short a wait is no loss: the id says what to ask for.
    error = assay.bad(5, "TIMEOUT", "in no block after 1 ms", *words[:-1], 1, "--key", "alice.key",
                      "--node", node.url)
    assert error["next"].startswith("assay tx status 0x"), error
    node.kill()
    # Where blocks come, they get into one.
    node = assay.node()
    sent = [node.tx(*words).json()["id"] for _ in range(2)]
    assert node.tx("transfer", "--to", AA, "--amount", 1).json()["height"] > 0
    for one in sent:
        assert assay.good("tx", "status", one, "--node", node.url)["code"] == 0
    assert node.term() == 0


def test_a_session_is_named_before_its_block(assay):
    """Who did not wait for it learns its id: from the failure, and from what became of it."""
    assay.key("alice")
    bob = assay.key("bob")
    assay.init(accounts=["alice", "bob"])
    node = assay.node("--block-ms", 10000)
    node.tx("bond", "--role", "provider", "--amount", 20 * OPEN, key="bob")
    plain = node.tx("transfer", "--to", AA, "--amount", 1).json()  # the next block is far away
    error = assay.bad(5, "TIMEOUT", "; the id of its session is 0x", "session", "open", "--wait-ms",
                      1, "--provider", bob, "--deposit", 1000, "--price-in", 1, "--price-out", 1,
                      "--expiry", 100, "--key", "alice.key", "--node", node.url)
    session = error["text"].split()[-1]
    asked = error["next"].split()[1:]

    def done():
        result = assay.run(*asked)
        return result.code == 0 and result
    shown = until(done, "the session's block")
    assert shown.out.endswith(f"message   {session}, the id of the session or batch\n"), shown
    assert node.get(f"/v1/session/{session}")["provider"] == bob
    assert "message" not in assay.run("tx", "status", plain["id"], "--node", node.url).out
    assert node.term() == 0


def test_transactions_as_files(assay):
    alice, bob = assay.key("alice"), assay.key("bob")
    made = assay.init(accounts=["alice"])
    node = assay.node()
    asked = ["--node", node.url]
    unsigned = {"kind": "transfer", "chain_id": 1, "genesis": made["genesis"], "signer": alice,
                "principal": alice, "nonce": 0, "to": bob, "amount": 5}
    assay.write("tx.json", unsigned)
    digest = assay.good("tx", "digest", "tx.json")["digest"]
    assert assay.run("tx", "digest", "tx.json").out == digest + "\n"
    typed = assay.good("tx", "typed", "tx.json")
    assert typed["primaryType"] == "Transfer" and typed["domain"]["salt"] == made["genesis"], typed
    signed = assay.good("tx", "sign", "tx.json", "--key", "alice.key")
    assert len(signed["signature"]) == 132, signed
    assay.bad(6, "REJECTED", "", "tx", "sign", "tx.json", "--key", "bob.key")
    assay.write("signed.json", signed)
    sent = assay.good("tx", "send", "signed.json", *asked)
    assert sent["digest"] == digest and sent["height"] > 0, sent
    assert node.balance(bob) == 5
    assert assay.good("tx", "send", "signed.json", *asked) == sent, "it is there already"
    assay.write("changed.json", dict(signed, amount=6))
    assay.bad(6, "REJECTED", "sign", "tx", "send", "changed.json", *asked)
    assay.write("unsigned.json", dict(unsigned, signature="0x" + "00" * 65))
    assay.bad(3, "SIGNATURE", "not signed", "tx", "send", "unsigned.json", *asked)
    assay.write("foreign.json", dict(unsigned, chain_id=2))
    foreign = assay.good("tx", "sign", "foreign.json", "--key", "alice.key")
    assay.write("foreign.json", foreign)
    assay.bad(6, "REJECTED", "chain", "tx", "send", "foreign.json", *asked)
    # Of another chain with the same number: the signature is good, and not at fault.
    elsewhere = "0x" + "12" * 32
    assay.write("elsewhere.json", dict(unsigned, genesis=elsewhere, nonce=1))
    there = assay.good("tx", "sign", "elsewhere.json", "--key", "alice.key")
    assay.write("elsewhere.json", there)
    error = assay.bad(3, "MISMATCH", f"signed for genesis {elsewhere}, the node's is "
                      f"{made['genesis']}", "tx", "send", "elsewhere.json", *asked)
    assert "--node" in error["next"], error
    del there["genesis"]  # then nobody can say
    assay.write("elsewhere.json", there)
    assay.bad(6, "REJECTED", "sign", "tx", "send", "elsewhere.json", *asked)
    assert node.balance(bob) == 5
    assert node.term() == 0


def test_backup_is_a_home(assay):
    assay.key("alice")
    assay.init(accounts=["alice"])
    node = assay.node()
    for _ in range(5):
        node.tx("transfer", "--to", AA, "--amount", 1)
    copied = assay.good("backup", "--home", "home", "--out", "copy")
    before = node.get("/v1/status")
    assert copied["blocks"] == before["height"] and copied["operator"], (copied, before)
    # F-90: nothing half-made is in the way of the next try.
    log = assay.folder / "home/blocks/blocks.log"
    log.rename(assay.folder / "log")
    (assay.folder / "empty").mkdir()
    for out in ("new", "empty"):
        assay.bad(3, "NOT_FOUND", "blocks.log", "backup", "--home", "home", "--out", out)
    assert not (assay.folder / "new").exists()
    assert not list((assay.folder / "empty").iterdir())
    (assay.folder / "log").rename(log)
    assert assay.good("backup", "--home", "home", "--out", "empty") == dict(copied, home="empty")
    node.tx("transfer", "--to", AA, "--amount", 1)
    assert node.term() == 0
    copy = assay.node(home="copy")
    after = copy.get("/v1/status")
    for name in ("height", "app_hash", "state_root", "genesis"):
        assert after[name] == before[name], (name, before, after)
    copy.tx("transfer", "--to", AA, "--amount", 1)
    assert copy.balance(AA) == 6
    assert copy.term() == 0


if __name__ == "__main__":
    main(globals())
