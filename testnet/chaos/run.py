#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Faults on a running cluster, and what must hold after them. usage: run.py CLUSTER.json RESULTS
Exits with 0 only if every check holds; RESULTS gets the schedule and the verdicts as JSON."""
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "nodes")]
import checks  # noqa: E402
import inflict  # noqa: E402
import schedule  # noqa: E402
from cluster import Cluster  # noqa: E402
from load import Load  # noqa: E402
from sample import Sampler  # noqa: E402

LOAD_END_SECONDS = 120
APART_LEAST = 3  # seconds between two faults on a machine that is late
LAST_BATCH_SECONDS = 12  # a provider gathers receipts for 6 seconds, then the batch needs a block
COLOURS = os.environ.get("CLICOLOR_FORCE", "0") != "0"


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOURS else text


def say(text):
    print(f"  {text}", flush=True)


class Run:
    def __init__(self, cluster):
        self.cluster, self.load, self.sampler = cluster, Load(cluster), Sampler(cluster)
        small = cluster.names.index(cluster.small_disk) if cluster.small_disk else 0
        self.plan = schedule.faults(cluster.seed, cluster.minutes, len(cluster.nodes), small)
        self.verdicts, self.began = [], 0

    def sleep_until(self, at):
        time.sleep(max(0, self.began + at - time.monotonic()))

    def tell(self, fault, outcome):
        fault.notes.append(outcome)
        now = time.monotonic() - self.began
        colour = "33" if outcome.startswith("SKIPPED") else "36"
        who = " ".join(self.cluster.names[node] for node in fault.nodes)
        say(f"{now:6.1f} s  {paint(colour, f'{fault.kind:<18}')} {who}: {outcome}")

    def aside(self, fault):
        self.sleep_until(fault.at)
        self.tell(fault, self.load.aside(fault))

    def inflict_all(self):
        aside = [fault for fault in self.plan if fault.kind in schedule.ASIDE]
        threads = [threading.Thread(target=self.aside, args=(fault,)) for fault in aside]
        for thread in threads:
            thread.start()
        ended = 0
        for fault in self.plan:
            if fault.kind not in schedule.ASIDE:
                self.sleep_until(max(fault.at, ended + APART_LEAST))
                self.tell(fault, inflict.inflict(self.cluster, fault, time.sleep))
                ended = time.monotonic() - self.began
        self.sleep_until(60 * self.cluster.minutes)
        for thread in threads:
            thread.join()

    def verdict(self, outcome):
        claim, held, against = outcome
        self.verdicts.append({"claim": claim, "holds": held, "against": "" if held else against})
        word = paint("32", "holds") if held else paint("31", "FAILS")
        say(f"{word}  {claim}" + ("" if held else f": {against}"))

    def judge(self):
        """In the order in which one depends on the other."""
        self.verdict(checks.follow(self.cluster))
        self.load.stop(LOAD_END_SECONDS)
        time.sleep(LAST_BATCH_SECONDS)
        found = checks.decided(self.cluster, say)
        self.sampler.stop()
        self.verdict(checks.all_decided(found))
        report, history = checks.one_history(self.cluster)
        self.verdict(history)
        self.verdict(checks.one_state(self.sampler))
        whole = self.cluster.nodes[report["first"].index(min(report["first"]))]
        self.verdict(checks.supply(self.sampler, self.cluster.audit(whole), report["height"]))
        chain = checks.Chain(whole.comet)
        self.verdict(checks.acknowledged(chain, self.load))
        self.verdict(checks.sinks(self.cluster, chain))
        self.verdict(checks.frauds(self.cluster, found))
        self.verdict(checks.honest(self.cluster, chain))
        self.verdict(checks.idle(self.cluster, chain))
        self.verdict(checks.lies(self.cluster, chain, found))
        self.verdict(checks.requests(self.cluster, self.load, found))
        self.verdict(checks.vanished(self.cluster, self.load, found))
        self.verdict(checks.validators_changed(chain))
        self.verdict(checks.cut_in_half(self.plan))
        self.verdict(checks.liars(self.plan))
        self.verdict(checks.no_beacons(self.plan, chain))
        self.verdict(checks.restored(self.plan))
        self.verdict(checks.engines(self.cluster))
        self.verdict(checks.ends(self.cluster))
        self.verdict(("the load did all that it was to do", not self.load.trouble,
                      "; ".join(self.load.trouble)))
        return report

    def run(self):
        say(f"{len(self.plan)} faults in {self.cluster.minutes} minutes follow from the seed:")
        for fault in sorted(self.plan, key=lambda fault: fault.at):
            say("  " + fault.line(self.cluster.names))
        say("")
        self.sampler.start()
        self.load.start()
        self.began = time.monotonic()
        self.inflict_all()
        say("")
        say(f"the faults are over at block {self.cluster.height()}: "
            f"{len(self.load.acknowledged)} transfers acknowledged, {self.load.answered} "
            "requests answered")
        report = self.judge()
        times = report["block_ms"]
        say(f"{report['height']} blocks; rounds needed: " + ", ".join(
            f"{count} × {number}" for number, count in report["rounds"].items())
            + f"; between blocks {times['median']} ms median, {times['max']} ms at most")
        return report


def main():
    cluster = Cluster(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    run = Run(cluster)
    report = run.run()
    good = all(verdict["holds"] for verdict in run.verdicts)
    skipped = sum(hasattr(fault, "skipped") for fault in run.plan)
    faults = [{"at": fault.at, "kind": fault.kind, "lasts": fault.lasts,
               "nodes": [cluster.names[node] for node in fault.nodes], "outcome": fault.notes}
              for fault in sorted(run.plan, key=lambda fault: fault.at)]
    Path(sys.argv[2]).write_text(json.dumps({
        "seed": cluster.seed, "minutes": cluster.minutes, "faults": faults, "skipped": skipped,
        "verdicts": run.verdicts, "chain": report, "holds": good}, indent=1) + "\n")
    if skipped:  # as tests/summary.py reads it
        print(paint("33", f"skipped: {skipped} of {len(run.plan)} faults, see above"), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
