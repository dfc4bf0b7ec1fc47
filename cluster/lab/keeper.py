# SPDX-License-Identifier: Apache-2.0
"""The process a lab hangs on. It is the first of a process namespace, and its network and mount namespaces are the
middle of the lab: when it dies, by whatever signal, the kernel ends every process of the lab and takes back every
namespace, cable and bridge. Nothing of a lab is visible in the namespaces of the machine."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

KEEP = pathlib.Path(__file__).with_name("keep.py")
# Where runs keep their state and logs.
HOME = pathlib.Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp") / f"millrace-drill-{os.getuid()}"

# Says the number by which the machine knows it, takes a /proc with the numbers of the lab, of which programs ask for
# themselves (libdispatch its threads), waits for SIGCONT, then becomes the program.
SPAWN = """
read -r pid rest </proc/self/stat
exec unshare --mount-proc sh -c 'echo "$1"; shift; kill -STOP $$; exec "$@" >>"$0" 2>&1 </dev/null' "$0" "$pid" "$@"
"""

# <sched.h>
CLONE_NEWNET = 0x40000000


class Missing(Exception):
    """What the machine lacks for a lab, or a run that is not there."""


class Process:
    """A process by number and beginning, so that a number used again is never taken for it."""

    def __init__(self, pid: int, began: int | None = None) -> None:
        self.pid = pid
        self.began = beginning(pid) if began is None else began

    @property
    def alive(self) -> bool:
        return self.began != 0 and beginning(self.pid) == self.began

    def signal(self, number: int) -> bool:
        """Whether there was a process to take it."""
        if not self.alive:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


class Keeper:
    def __init__(self, process: Process) -> None:
        self.process = process

    @classmethod
    def start(cls, folder: pathlib.Path, tied: bool) -> tuple[Keeper, subprocess.Popen]:
        """`tied`: it ends with the caller, whose end of the pipe the kernel closes."""
        log = folder / "keeper.log"
        with open(log, "wb") as complaints:
            unshare = subprocess.Popen(
                ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", sys.executable, "-IS", KEEP, folder,
                 "tied" if tied else "free"],
                stdin=subprocess.PIPE if tied else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
                start_new_session=True)
        line = unshare.stdout.readline()
        unshare.stdout.close()
        if not line.strip():
            unshare.wait()
            raise Missing(f"no namespaces can be made here: {log.read_text().strip()}")
        return cls(Process(int(line))), unshare

    def end(self, folder: pathlib.Path) -> None:
        self.process.signal(signal.SIGKILL)
        end = time.monotonic() + 10
        while self.process.alive and time.monotonic() < end:
            time.sleep(0.005)
        shutil.rmtree(folder, ignore_errors=True)

    def network(self, node: str | None = None) -> str:
        """The path of a node's network namespace, of the middle one without a name."""
        base = f"/proc/{self.process.pid}"
        return f"{base}/root/run/netns/{node}" if node else f"{base}/ns/net"

    def script(self, text: str) -> str:
        """Runs a shell script in the middle; its output."""
        done = subprocess.run(["nsenter", "--target", str(self.process.pid), "--net", "--mount", "sh", "-e"],
                              input=text, capture_output=True, text=True, cwd="/")
        if done.returncode:
            raise Missing(f"a step of the lab failed: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def spawn(self, starts: list[tuple[str | None, list[str], pathlib.Path, dict[str, str], pathlib.Path]]) -> list[Process]:
        """Starts processes that live and die with the keeper: (node, command, log, environment, folder) of each. They
        are all prepared first and then begin at the same time."""
        begun = [subprocess.Popen(
            ["nsenter", "--target", str(self.process.pid), "--pid", f"--net={self.network(node)}",
             "setsid", "--fork", "sh", "-c", SPAWN, str(log), *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment, cwd=folder)
            for node, command, log, environment, folder in starts]
        made = []
        for each, (_, command, *_rest) in zip(begun, starts):
            line = each.stdout.readline()
            each.stdout.close()
            each.wait()
            if not line.strip():
                raise Missing(f"{command[0]} could not be started")
            made.append(Process(int(line)))
        end = time.monotonic() + 10
        while any(state(process.pid) != "T" for process in made) and time.monotonic() < end:
            time.sleep(0.002)
        for process in made:
            process.signal(signal.SIGCONT)
        return made


@contextlib.contextmanager
def network_namespace(path: str) -> Iterator[None]:
    """The calling thread's sockets, and the processes it starts, are in another network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as here, open(path, "rb") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns to {path}")
        try:
            yield
        finally:
            if libc.setns(here.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns back")


def beginning(pid: int) -> int:
    """When a process began, in ticks since the machine did; 0 when it is no more."""
    fields = status(pid)
    return int(fields[19]) if fields and fields[0] not in "ZX" else 0


def state(pid: int) -> str:
    """One letter, of proc(5); empty when it is no more."""
    return "".join(status(pid)[:1])


def status(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; the second may hold spaces."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def runs() -> list[pathlib.Path]:
    """The folders of the runs there are, the oldest first."""
    return sorted((each for each in HOME.glob("*") if each.is_dir()), key=lambda each: each.stat().st_mtime)


def obstacle() -> str | None:
    """Why no lab can be made here; nothing where one can."""
    # CAP_NET_ADMIN and CAP_SYS_ADMIN.
    capabilities = next((int(line.split()[1], 16) for line in open("/proc/self/status") if line.startswith("CapEff")), 0)
    if not capabilities >> 12 & 1 or not capabilities >> 21 & 1:
        return "needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN) for namespaces"
    lacking = [tool for tool in ("ethtool", "ip", "nft", "nsenter", "setsid", "tc", "unshare") if not which(tool)]
    return f"needs {', '.join(lacking)}: scripts/setup cluster" if lacking else None


def which(tool: str) -> str | None:
    return shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
