#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads ctest's JUnit report: names what failed and why what was skipped was skipped; the last
line is the three numbers "passed failed skipped"."""
import sys
import xml.etree.ElementTree as xml


def reason(case):
    """The line a skipped test printed (tests/skip.h)."""
    for line in (case.findtext("system-out") or "").splitlines():
        if line.startswith("skipped: "):
            return line[len("skipped: "):]
    return "no reason given"


def main(path):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in xml.parse(path).getroot().iter("testcase"):
        name = case.get("name")
        if case.find("skipped") is not None and case.find("failure") is None:
            counts["skipped"] += 1
            print(f"skipped {name}: {reason(case)}")
        elif case.get("status") == "run":
            counts["passed"] += 1
        else:
            counts["failed"] += 1
            print(f"failed {name}")
    print(counts["passed"], counts["failed"], counts["skipped"])


if __name__ == "__main__":
    main(sys.argv[1])
