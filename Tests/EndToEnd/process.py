# SPDX-License-Identifier: Apache-2.0
"""A program that a test starts, waits for, and always ends."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable


class Process:
    """A program, as a context manager. It has nothing open that is ours: it reads nothing, and what it says goes into a file
    of its own, whose end is printed where the program does not come up or the block fails."""

    def __init__(self, command: list[object], ready: Callable[[], bool] = lambda: True, *, name: str = "", seconds: float = 20,
                 patience: float = 10, popen: Callable[..., subprocess.Popen] = subprocess.Popen, **options: object) -> None:
        """It is to be ready within so many `seconds`. At its end it has its `patience` in seconds to obey SIGTERM before
        SIGKILL comes, which comes at once where that is 0. The options are Popen's, at which `popen` may stand in."""
        self.command, self.name = command, name or (pathlib.Path(str(command[0])).name if command else "")
        self.ready, self.seconds, self.patience = ready, seconds, patience
        self.popen, self.options = popen, options
        self.process: subprocess.Popen | None = None
        self._log = tempfile.TemporaryFile()

    def __enter__(self):
        try:
            self.start()
        except BaseException as failure:
            self.__exit__(type(failure))
            raise
        return self

    def __exit__(self, failure: object = None, *_: object) -> None:
        self.end()
        if failure is not None:
            print(f"--- the end of {self.name}'s log\n{self.log()[-6000:]}")
        self._log.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        """What it has said since it was started last; nothing once the block is over."""
        if self._log.closed:
            return ""
        # The place in the file is the program's as well, and stays where it is.
        return os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size, 0).decode(errors="replace")

    def start(self) -> None:
        """Waits until it is ready; AssertionError where it has ended, or time is up. Also once more after its end."""
        self._log.close()
        self._log = tempfile.TemporaryFile()
        files = {"stdin": subprocess.DEVNULL, "stdout": self._log, "stderr": subprocess.STDOUT}
        self.process = self.popen([str(word) for word in self.command], **files | self.options)
        wait_until(self._is_ready, self.seconds, f"{self.name} to be ready")

    def end(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        try:
            if self.process is not None and self.patience > 0:
                self.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(self.patience)
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: it tells nobody."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}:\n{self.log()[-3000:]}"
        return self.ready()


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(condition: Callable[[], bool], seconds: float, what: str, every: float = 0.1) -> None:
    """Polls a condition; raises AssertionError naming it when time is up."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(every)
