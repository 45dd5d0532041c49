#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What testnet's scripts ask of the machine that they run on: any folder, any proxy, a go that
is new enough, and options that say something. usage: story.py SOURCE_ROOT"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FRAME = """set -euo pipefail
story=$1/testnet/story testnet=$1/testnet program=test keep=yes home=$2
. "$story/screen.sh"
. "$story/program.sh"
. "$story/1_genesis.sh"
"""


def story(root, home, text, **environment):
    """What a line prints after the parts above are read."""
    inherited = {name: value for name, value in os.environ.items()
                 if name.lower() != "no_proxy"}
    done = subprocess.run(["bash", "-c", FRAME + text, "bash", root, home], check=True,
                          capture_output=True, text=True, env=dict(inherited, **environment))
    assert not done.stderr, done.stderr
    return done.stdout


def any_folder(root, folder):
    home = Path(folder) / "100%s of it"
    words = story(root, home, "workshop").splitlines()
    assert words[:2] == ["--model", f"{home}/base.assay"], words
    for name in ("doyle", "carroll", "shakespeare"):
        for option, path in (("--adapter", f"{home}/{name}.assay"),
                             ("--dataset", f"{root}/testnet/data/{name}.txt")):
            assert words[words.index(path) - 1] == option, words


def any_proxy(root, folder):
    def seen(**given):
        text = "proxy_avoid 10.7.0.1 10.7.0.2; env"
        shown = story(root, folder, text, **given).splitlines()
        return {line.split("=", 1)[0]: line.split("=", 1)[1] for line in shown
                if line.lower().startswith("no_proxy=")}
    ours = "127.0.0.1,localhost,10.7.0.1,10.7.0.2"
    for given, lower, upper in (
            ({}, ours, ours),
            ({"no_proxy": "a.org,.b.org"}, f"a.org,.b.org,{ours}", f"a.org,.b.org,{ours}"),
            ({"NO_PROXY": "c.org"}, f"c.org,{ours}", f"c.org,{ours}"),
            ({"no_proxy": "a.org", "NO_PROXY": "c.org"}, f"a.org,{ours}", f"c.org,{ours}"),
            ({"no_proxy": "*"}, "*", "*")):
        assert seen(**given) == {"no_proxy": lower, "NO_PROXY": upper}, (given, seen(**given))


TOOLS = ("bash", "cat", "dirname", "flock", "head", "mkdir", "sort", "tail")  # of testnet/comet
GO = """#!/bin/sh
[ "$1" = env ] && echo go%s && exit
echo "no network for go $1"
exit 1
"""


def any_go(root, folder):
    """In a tree of its own, so that nothing is installed there; with nothing else on the path."""
    tree, path = Path(folder) / "tree", Path(folder) / "path"
    (tree / "testnet").mkdir(parents=True)
    shutil.copy(root / "testnet/comet", tree / "testnet")
    path.mkdir()
    for tool in TOOLS:
        (path / tool).symlink_to(shutil.which(tool))

    def comet(*words, go=None):
        if go:
            (path / "go").write_text(GO % go)
            (path / "go").chmod(0o755)
        done = subprocess.run([path / "bash", tree / "testnet/comet", *words], check=False,
                              capture_output=True, text=True, env={"PATH": str(path)})
        assert not done.stdout, done.stdout
        return done.returncode, done.stderr

    advised = "apt-get install -t bookworm-backports golang-go"
    for go, code, words in ((None, 77, ("there is no go here", advised)),
                            ("1.19.8", 77, ("go1.19.8 is too old, from 1.21 on", advised)),
                            ("1.9", 77, ("go1.9 is too old", advised)),
                            ("1.21.0", 77, ("no network for go install", "go install failed"))):
        seen, said = comet(go=go)
        assert seen == code and all(text in said for text in words), (go, seen, said)
    seen, said = comet("v1.0.1")
    assert seen == 1 and "retracted" in said, said


def any_option(root, folder):
    """What is refused before anything runs, in a tree in which nothing could."""
    tree = Path(folder) / "bare"
    (tree / "testnet").mkdir(parents=True)
    shutil.copytree(root / "testnet/story", tree / "testnet/story")
    for program in ("demo", "cluster"):
        shutil.copy(root / "testnet" / program, tree / "testnet")
        for words, said in ((["--json", ""], "--json needs a value"),
                            (["--home"], "--home needs a value"),
                            (["--seed", ""], "--seed needs a value"),
                            (["--json", "/no/such/x"], "cannot write /no/such/x")):
            done = subprocess.run([tree / "testnet" / program, *words], check=False,
                                  capture_output=True, text=True)
            assert done.returncode == 2 and said in done.stderr, (program, words, done)
            assert "keeps the logs" not in done.stderr, (program, words, done)


def main():
    root = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        any_folder(root, folder)
        any_proxy(root, folder)
        any_go(root, folder)
        any_option(root, folder)


if __name__ == "__main__":
    main()
