# SPDX-License-Identifier: Apache-2.0
"""Which fault, when, on whom: a function of the seed and the minutes alone, so that a run can be
repeated. What this machine cannot do keeps its place and is skipped there, seen by everyone."""
import random
from dataclasses import dataclass, field

# Seconds a fault lasts in a run of three minutes; longer runs stretch them, up to three times. A
# stop of a minute has no room in three: the others make 80 to 90 blocks meanwhile, and who waits
# for evidence that was withheld does so until the last quarter of its window (F-49), so that
# windows would be of 400 blocks, and a round of votes of minutes.
LASTS = {
    "kill-node": 0, "kill-engine": 0, "kill-both": 0, "stop": 20, "partition-2-2": 12,
    "partition-3-1": 12, "slow-links": 15, "full-disk": 8, "lost-state": 0, "damaged-state": 8,
    "wrong-app-hash": 8, "no-beacon": 8,
}
RECOVERY = 5  # seconds between the end of one fault and the next, stretched likewise
# Beside those, at a moment each: they are the load's affairs, and may take place within a fault.
ASIDE = ("provider-vanishes", "join", "unbond", "bond", "unbond", "bond", "leave")
STRETCH_MOST = 3


@dataclass
class Fault:
    at: float  # seconds since the start
    kind: str
    lasts: float
    nodes: list  # the victims; for a partition those of one side
    seed: int  # for what the fault itself draws
    notes: list = field(default_factory=list)

    def line(self, names):
        who = " ".join(names[node] for node in self.nodes)
        return f"{self.at:6.1f} s  {self.kind:<18} {who:<14} {self.lasts:4.1f} s"


def victims(kind, before, draw, count, small_disk):
    """Whoever was stopped has its votes to catch up on, before anything else."""
    if kind == "partition-2-2":
        return sorted(draw.sample(range(count), count // 2))
    if kind == "full-disk":
        return [small_disk]
    spared = before.nodes if before and "stop" in (kind, before.kind) else []
    return [draw.choice([node for node in range(count) if node not in spared])]


def faults(seed, minutes, count, small_disk):
    """The faults of a run, in order of time: every kind once, in an order of the seed's, then
    again as long as there is time. None starts so late that it would end after the run."""
    draw = random.Random(f"faults/{seed}")
    total, stretch = 60 * minutes, min(minutes / 3, STRETCH_MOST)
    plan, at = [], RECOVERY * stretch
    while True:
        kinds = list(LASTS)
        draw.shuffle(kinds)
        for kind in kinds:
            lasts = LASTS[kind] * stretch
            if at + lasts > total:
                return plan + aside(draw, total)
            nodes = victims(kind, plan[-1] if plan else None, draw, count, small_disk)
            plan.append(Fault(round(at, 1), kind, round(lasts, 1), nodes, draw.getrandbits(32)))
            at += lasts + RECOVERY * stretch * draw.uniform(0.8, 1.2)


def aside(draw, total):
    moments = sorted(draw.uniform(0.05, 0.7) * total for _ in ASIDE)
    return [Fault(round(at, 1), kind, 0, [], draw.getrandbits(32))
            for at, kind in zip(moments, ASIDE)]
