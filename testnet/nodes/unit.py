#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Commands that live and die together, as units bound to each other do under systemd: when one of
them ends, the others are ended and all start anew. usage:
    unit.py [--with PID] [--netns NAME] [--ready PATH] LOGS RUN -- NAME COMMAND… [-- NAME COMMAND…]
Each has its LOGS/NAME.out and .err and its RUN/NAME.pid. The first one makes PATH when it is ready;
the others wait for that. SIGTERM ends them, the last one first.
With --with they also end when that process does, however it does."""
import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

RESTART_SECONDS, GRACE_SECONDS, READY_SECONDS, LOOK_SECONDS = 0.5, 8, 20, 0.1
PR_SET_PDEATHSIG = 1


def split(words):
    """The words between each "--" and the next."""
    commands = []
    for word in words:
        if word == "--":
            commands.append([])
        else:
            commands[-1].append(word)
    if not commands or any(len(command) < 2 for command in commands):
        sys.exit("unit.py: each -- is followed by a name and a command")
    return [(command[0], command[1:]) for command in commands]


def dies_with_us():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Unit:
    def __init__(self, options, commands):
        self.logs, self.run = Path(options.logs), Path(options.run)
        self.netns, self.with_pid = options.netns, options.with_pid
        self.ready = Path(options.ready) if options.ready else None
        self.commands, self.children, self.stopping = commands, [], False

    def await_ready(self):
        """Until the first one is, has ended, or takes too long: the others find that out."""
        end = time.monotonic() + READY_SECONDS
        while not (self.ready.exists() or self.stopping or self.children[0][1].poll() is not None
                   or time.monotonic() > end):
            time.sleep(0.02)

    def start(self):
        if self.ready:
            self.ready.unlink(missing_ok=True)
        for name, command in self.commands:
            if self.netns:
                command = ["ip", "netns", "exec", self.netns, *command]
            with open(self.logs / f"{name}.out", "ab") as out, \
                    open(self.logs / f"{name}.err", "ab") as err:
                child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                         stderr=err, preexec_fn=dies_with_us)
            self.children.append((name, child))
            # Under another name first: who looks for a pid finds a whole one.
            fresh = self.run / f".{name}.pid"
            fresh.write_text(f"{child.pid}\n")
            fresh.rename(self.run / f"{name}.pid")
            if self.ready and len(self.children) == 1:
                self.await_ready()

    def end(self):
        """The last one first: what serves the others goes last."""
        for name, child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
            try:
                child.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.tell(f"{name} did not end in {GRACE_SECONDS} s and was killed")
                child.kill()
                child.wait()
        for name, _ in self.children:
            (self.run / f"{name}.pid").unlink(missing_ok=True)
        self.children = []

    def wait(self):
        """Until one has ended, or all are to."""
        while not self.stopping:
            if self.with_pid and not Path(f"/proc/{self.with_pid}").exists():
                self.stopping = True
            for name, child in self.children:
                if child.poll() is not None:
                    return f"{name} ended with {child.returncode}"
            time.sleep(LOOK_SECONDS)
        return "told to stop"

    def tell(self, text):
        print(f"{time.time():.3f} {text}", flush=True)

    def live(self):
        while not self.stopping:
            self.start()
            self.tell(self.wait())
            self.end()
            if not self.stopping:
                time.sleep(RESTART_SECONDS)


def main():
    at = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    parser = argparse.ArgumentParser()
    parser.add_argument("logs")
    parser.add_argument("run")
    parser.add_argument("--netns")
    parser.add_argument("--ready")
    parser.add_argument("--with", dest="with_pid", type=int)
    unit = Unit(parser.parse_args(sys.argv[1:at]), split(sys.argv[at:]))
    unit.run.mkdir(parents=True, exist_ok=True)

    def stop(*_):
        unit.stopping = True
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    unit.live()


if __name__ == "__main__":
    main()
