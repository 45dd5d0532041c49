#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The systemd units (F-76): what they start is what the program understands, their variables have
defaults, engine and node hang together, and systemd finds nothing wrong. usage: units.py ASSAY"""
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
FOLDER = SOURCE / "dist/systemd"
UNITS = sorted(FOLDER.glob("*.service"))
EXPOSURE_MAX = 20  # tenths, of `systemd-analyze security`: 2.0 of 10


def read(path):
    """{(section, name): [values]}, lines that end with a backslash joined."""
    entries, section = {}, None
    for line in path.read_text().replace("\\\n", " ").split("\n"):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[]")
            continue
        name, value = line.split("=", 1)
        entries.setdefault((section, name), []).append(value)
    return entries


def example():
    """The variables of the environment file."""
    lines = [line for line in (FOLDER / "assay.env").read_text().split("\n")
             if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def one(unit, section, name):
    values = unit[section, name]
    assert len(values) == 1, (name, values)
    return values[0]


def command_check(assay, name, words, variables):
    """`assay COMMAND …`: every option is in its --help, with a value where it takes one, and none
    that it requires is missing."""
    command = words[1]
    shown = subprocess.run([assay, command, "--help"], capture_output=True, text=True,
                           check=True).stdout
    options = dict(re.findall(r"^ +--([a-z-]+)( [A-Z:]+)?", shown, re.M))
    required = set(re.findall(r" --([a-z-]+)", re.sub(r"\[[^]]*\]", "", shown.split("\n")[2])))
    assert "log" in options and len(options) > 5, shown
    rest, given = list(words[2:]), set()
    for word in words[2:]:
        if re.fullmatch(r"\$\w+", word):  # several words
            at = rest.index(word)
            rest[at:at + 1] = shlex.split(variables[word[1:]])
    while rest:
        option = rest.pop(0)
        assert option.startswith("--") and option[2:] in options, f"{name}: no {option} in --help"
        given.add(option[2:])
        if options[option[2:]]:
            value = rest.pop(0)
            assert not value.startswith("--"), f"{name}: {option} has no value"
    assert required <= given, f"{name}: {required - given} missing"


def comet_program():
    """Where it is installed, by someone or by testnet/comet, or None."""
    found = [shutil.which("cometbft"), *sorted(SOURCE.glob("build/comet/*/cometbft"))]
    return next(filter(None, found), None)


def comet_check(words):
    """CometBFT's own help, where there is one."""
    assert words[:2] == ["cometbft", "start"], words
    program = comet_program()
    if not program:
        print("skipped: the options of cometbft: neither on the path nor from testnet/comet")
        return
    shown = subprocess.run([program, "start", "--help"], capture_output=True, text=True,
                           check=True).stdout
    for word in words[2:]:
        assert not word.startswith("--") or f" {word} " in shown, word


def test_commands(assay):
    variables = example()
    used = set()
    for path in UNITS:
        unit = read(path)
        line = one(unit, "Service", "ExecStart")
        words = line.split()
        if words[0] == "assay":
            command_check(assay, path.name, words, variables)
        else:
            comet_check(words)
        own = dict(value.split("=", 1) for value in unit.get(("Service", "Environment"), []))
        for variable in re.findall(r"\$\{?(\w+)", line):
            used.add(variable)
            if variable == "CREDENTIALS_DIRECTORY":
                assert unit["Service", "LoadCredential"], path.name
                continue
            assert variable in variables, f"{path.name}: {variable} is not in assay.env"
            assert variable.endswith("_OPTIONS") or own[variable] == variables[variable], variable
    assert set(variables) <= used, f"nobody uses {set(variables) - used}"
    return True


def test_an_adapter_comes_with_its_data(_):
    """F-53, F-56: without it nothing is answered with it, nor is it declared."""
    for name in ("ASSAY_VERIFY_OPTIONS", "ASSAY_SERVE_OPTIONS"):
        words = shlex.split(example()[name])
        assert ("--adapter" in words) == ("--dataset" in words), (name, words)
    return True


def test_relations(_):
    """What makes engine and node start, stop and restart together."""
    units = {path.name: read(path) for path in UNITS}
    node, engine, solo = (units[name] for name in
                          ("assay.service", "cometbft.service", "assay-solo.service"))
    assert "cometbft.service" in one(node, "Unit", "Wants").split()
    for relation in ("BindsTo", "PartOf", "After"):
        assert "assay.service" in one(engine, "Unit", relation).split(), relation
    assert "cometbft.service" not in one(node, "Unit", "After")
    assert one(solo, "Unit", "Conflicts") == "assay.service"
    assert one(node, "Unit", "Conflicts") == "assay-solo.service"
    # E-90: while the node waits for room its engine may not give up, nor who works for it.
    for name in ("cometbft.service", "assay-verify.service", "assay-serve.service"):
        assert one(units[name], "Unit", "StartLimitIntervalSec") == "0", name
        assert ("Unit", "StartLimitBurst") not in units[name], name
    for name, unit in units.items():
        assert one(unit, "Service", "Restart") == "always", name
        assert int(one(unit, "Service", "TimeoutStopSec")) > 20, name  # F-40: twice 10 s
        assert one(unit, "Service", "NoNewPrivileges") == "yes", name
        assert one(unit, "Service", "CapabilityBoundingSet") == "", name
        assert one(unit, "Service", "User") == "assay", name
        if name != "cometbft.service":
            # A model that is half copied is refused with 3, and may be whole a second later.
            final = "2" if name in ("assay-verify.service", "assay-serve.service") else "2 3"
            assert one(unit, "Service", "RestartPreventExitStatus") == final, name
    return True


def test_systemd(assay):
    """systemd's own eyes. Returns: whether it is here to look."""
    tool = shutil.which("systemd-analyze")
    if not tool:
        print("skipped: test_systemd: there is no systemd-analyze on this machine")
        return False
    with tempfile.TemporaryDirectory() as folder:
        copies = []
        for path in UNITS:
            # Programs that are installed nowhere yet.
            text = re.sub(r"ExecStart=(assay|cometbft) ", f"ExecStart={assay} ", path.read_text())
            copies.append(Path(folder) / path.name)
            copies[-1].write_text(text)
        found = subprocess.run([tool, "verify", *copies], capture_output=True, text=True,
                               check=False)
        own = [line for line in found.stderr.split("\n") if "assay" in line or "cometbft" in line]
        assert found.returncode == 0 and not own, found.stderr
        # And that it finds what is wrong at all.
        broken = Path(folder) / "broken.service"
        broken.write_text("[Service]\nExecStart=/nowhere/assay\nNoSuchThing=1\n")
        wrong = subprocess.run([tool, "verify", broken], capture_output=True, text=True,
                               check=False)
        assert "broken.service" in wrong.stderr, wrong
        for copy in copies:
            rated = subprocess.run([tool, "security", "--offline=true", "--no-pager",
                                    f"--threshold={EXPOSURE_MAX}", copy], capture_output=True,
                                   text=True, check=False)
            if "unrecognized option" in rated.stderr:
                print("skipped: the exposure of units: this systemd-analyze rates no files")
                break
            assert rated.returncode == 0, f"{copy.name}: {rated.stdout[-300:]}{rated.stderr}"
    return True


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} ASSAY")
    assert len(UNITS) == 5, UNITS
    for test in (test_commands, test_an_adapter_comes_with_its_data, test_relations,
                 test_systemd):
        if test(str(Path(sys.argv[1]).resolve())):
            print(f"{test.__name__}: passed")


if __name__ == "__main__":
    main()
