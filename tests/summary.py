#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads ctest's JUnit report: names what failed and why what was skipped was skipped, be it a whole
test or a part of one that passed; the last line is the three numbers "passed failed skipped"."""
import sys
import xml.etree.ElementTree as xml


def reasons(case):
    """The lines a test printed for what it had to leave out (tests/skip.h)."""
    lines = (case.findtext("system-out") or "").splitlines()
    return [line[len("skipped: "):] for line in lines if line.startswith("skipped: ")]


def main(path):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in xml.parse(path).getroot().iter("testcase"):
        name, skipped = case.get("name"), []
        if case.find("skipped") is not None and case.find("failure") is None:
            skipped = reasons(case)[:1] or ["no reason given"]
        elif case.get("status") == "run":
            skipped = reasons(case)
            counts["passed"] += 1
        else:
            counts["failed"] += 1
            print(f"failed {name}")
        counts["skipped"] += len(skipped)
        for why in skipped:
            print(f"skipped {name}: {why}")
    print(counts["passed"], counts["failed"], counts["skipped"])


if __name__ == "__main__":
    main(sys.argv[1])
