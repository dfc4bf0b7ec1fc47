# SPDX-License-Identifier: Apache-2.0
"""Does a fault to a lab, and undoes it."""

from __future__ import annotations

import contextlib
import math
import pathlib
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable

from lab import Lab, Missing

from .causes import Done
from .plan import Fault

CLOCK = pathlib.Path(__file__).with_name("clock.c")
REDIS_PORT = 6379
# What is left of a disk that is full: nodes write it to the last byte, and one object is cut off there.
LEFT = 64 << 10


class Faults:
    """`begins` hears of every node of which a new process is about to begin; `done` has all that was done, and when."""

    def __init__(self, lab: Lab, nodes: list[str], begins: Callable[[str], None]) -> None:
        self.lab, self.nodes, self.begins = lab, nodes, begins
        self._library = lab.folder / "clock.so"
        compiler = shutil.which("clang") or shutil.which("cc")
        if compiler:
            subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", self._library, CLOCK], check=True)
        self._slowed: dict[str, threading.Event] = {}
        self.done: list[Done] = []

    def kill(self, names: list[str]) -> None:
        """kill -9; `start` is its end."""
        at = time.monotonic()
        self.done += [Done(Fault(0, "kill", (name,), 0), at) for name in names]
        self.lab.kill(names)

    def start(self, names: list[str]) -> None:
        """Starts nodes, each with a wall clock that can be moved."""
        for name in names:
            self.begins(name)
            environment = {}
            if self._library.exists():
                shift = self._shift(name)
                if not shift.exists():
                    shift.write_bytes(bytes(8))
                environment = {"LD_PRELOAD": str(self._library), "CLOCK_SHIFT": str(shift)}
            self.lab.start([name], environment=environment)
            self._over(lambda fault: fault.kind == "kill" and fault.targets == (name,))

    def begin(self, fault: Fault) -> None:
        name = fault.targets[0]
        if fault.kind == "kill":
            return self.kill([name])
        self.done.append(Done(fault, time.monotonic()))
        match fault.kind:
            case "store":
                self.lab.kill(name)
            case "freeze":
                self.lab.freeze(name)
            case "cut":
                self.lab.cut(name, "all", seconds=fault.lasts)
            case "isolate":
                self.lab.cut(name, [other for other in self.nodes if other != name], seconds=fault.lasts)
            case "deaf":
                self.lab.cut(name, fault.targets[1], one_way=True, seconds=fault.lasts)
            case "clock":
                self._move_clock(name, fault.amount)
            case "slow":
                self._slowed[name] = threading.Event()
                threading.Thread(target=self._slow, args=(name, self._slowed[name]), daemon=True).start()
            case "thin":
                self.lab.limit(name, int(fault.amount))
            case "partition":
                self.lab.partition(list(fault.targets), seconds=fault.lasts)
            case "lossy":
                self.lab.lose(fault.amount, *fault.targets)
            case "jitter":
                self._usual = self.lab.topology.links[fault.targets[0], fault.targets[1]]
                self.lab.link(*fault.targets, delay="250ms", jitter="50ms")
            case "flush":
                self.flush(name)
            case "full" | "crammed":
                for disk in fault.targets:
                    self.lab.room(disk, LEFT)

    def end(self, fault: Fault) -> None:
        name = fault.targets[0]
        match fault.kind:
            case "kill":
                self.start([name])
            case "store":
                self.lab.start([name])
            case "freeze":
                self.lab.thaw(name)
            case "clock":
                self._move_clock(name, 0)
            case "slow":
                self._slowed.pop(name).set()
            case "thin":
                self.lab.limit(name, 0)
            case "lossy":
                self.lab.lose(0, *fault.targets)
            case "jitter":
                self.lab.link(*fault.targets, delay=f"{self._usual.delay * 1000:g}ms",
                              jitter=f"{self._usual.jitter * 1000:g}ms")
            case "full" | "crammed":
                for disk in fault.targets:
                    self.lab.room(disk)
        self._over(lambda other: other is fault)

    def _over(self, is_meant: Callable[[Fault], bool]) -> None:
        """Undone, now: what has ended before stays as it is."""
        for done in self.done:
            if done.ended == math.inf and is_meant(done.fault):
                done.ended = time.monotonic()

    def flush(self, name: str) -> None:
        """Redis takes a command as a line; it may be down just then."""
        with self.lab.inside(name), contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", REDIS_PORT), timeout=2) as connection:
                connection.sendall(b"FLUSHALL\r\n")
                connection.recv(64)

    def _slow(self, name: str, ended: threading.Event) -> None:
        """Eighty of each hundred milliseconds it stands still."""
        process = self.lab.process(name)
        while process and process.alive and not ended.is_set():
            self.lab.freeze(name)
            time.sleep(0.08)
            self.lab.thaw(name)
            ended.wait(0.02)
        self.lab.thaw(name)

    def _move_clock(self, name: str, seconds: float) -> None:
        if not self._library.exists():
            raise Missing("clang or cc, for a clock that can be moved")
        with open(self._shift(name), "r+b") as file:
            file.write(struct.pack("<q", int(seconds * 1e9)))

    def _shift(self, name: str) -> pathlib.Path:
        return self.lab.folder / f"{name}.shift"
