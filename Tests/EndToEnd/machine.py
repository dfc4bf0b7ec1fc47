# SPDX-License-Identifier: Apache-2.0
"""A copy of this machine that is thrown away: its files under an overlay, namespaces of its own, and systemd as the first
process. What is installed, started and removed in it touches nothing here."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import secrets
import subprocess

from server import wait_until
from shipped import PATH, tool

# The first process makes the copy's files and becomes systemd. Services of this machine are not started: they belong to
# multi-user.target, and basic.target is before it.
BOOT = r"""
set -eu
mount --make-rprivate /
mkdir "$1/upper" "$1/root"
mount -t tmpfs -o size=1g,mode=0755 upper "$1/upper"
mkdir "$1/upper/files" "$1/upper/work"
root=$1/root
mount -t overlay -o "lowerdir=/,upperdir=$1/upper/files,workdir=$1/upper/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=0755 run "$root/run"
mount --rbind /dev "$root/dev"
mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
ip link set lo up
# systemd empties /tmp as it starts, and there lie the files of the tests.
ln -s /dev/null "$root/etc/tmpfiles.d/tmp.conf"
# What forbids services to be started while images are made.
rm -f "$root/usr/sbin/policy-rc.d"
exec env -i container=tests PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" /lib/systemd/systemd --unit=basic.target
"""


class Machine:
    """`with Machine(folder) as machine:`; it is off at the end."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.group = group_folder() / f"millrace-{secrets.token_hex(4)}"

    def __enter__(self) -> Machine:
        self.group.mkdir()
        joined = f"echo $$ >{self.group}/cgroup.procs; exec \"$@\""
        self.unshare = subprocess.Popen(
            ["sh", "-c", joined, "boot", tool("unshare"), "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork",
             "--kill-child", "sh", "-c", BOOT, "boot", str(self.folder)],
            stdin=subprocess.DEVNULL, stdout=open(self.folder / "boot.log", "wb"), stderr=subprocess.STDOUT)
        try:
            wait_until(self._has_begun, 30, "systemd to begin")
            wait_until(lambda: self.run("systemctl", "is-system-running", check=False) in ("running", "degraded"), 60,
                       "systemd to be ready")
        except BaseException:
            print((self.folder / "boot.log").read_text(errors="replace")[-3000:])
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # With systemd all processes of its namespace end, and with the last of those its files and its network.
        self.unshare.kill()
        self.unshare.wait()

        def gone() -> bool:
            with contextlib.suppress(OSError):
                for group in sorted(self.group.rglob("*"), key=lambda path: -len(path.parts)):
                    if group.is_dir():
                        group.rmdir()
                self.group.rmdir()
            return not self.group.exists()

        wait_until(gone, 20, "the machine to end")

    def command(self, *words: str) -> list[str]:
        """A command line that runs within."""
        return [tool("nsenter"), f"--target={self.process}", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup",
                "--root", "--wd=/", *words]

    def run(self, *words: str, check: bool = True, seconds: float = 120) -> str:
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
                              env={"PATH": PATH, "DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_COLORS": "0"})
        assert not check or done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def _has_begun(self) -> bool:
        assert self.unshare.poll() is None, "it ended"
        with contextlib.suppress(OSError, IndexError):
            # The child of unshare, once it is systemd.
            self.process = int(pathlib.Path(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children").read_text().split()[0])
            return os.readlink(f"/proc/{self.process}/exe").endswith("/systemd")
        return False


def group_folder() -> pathlib.Path:
    """Where this process stands in the second version of control groups."""
    place = re.search(r"^0::(.*)$", pathlib.Path("/proc/self/cgroup").read_text(), re.M)[1]
    mounted = re.search(r"^\S+ (\S+) cgroup2 ", pathlib.Path("/proc/mounts").read_text(), re.M)[1]
    return pathlib.Path(mounted + place)


def obstacle() -> str | None:
    """Why there can be no such machine here."""
    if os.geteuid() != 0:
        return "needs root for namespaces"
    if not re.search(r"^\S+ \S+ cgroup2 rw", pathlib.Path("/proc/mounts").read_text(), re.M):
        return "needs control groups of the second version, to write to"
    if not pathlib.Path("/lib/systemd/systemd").exists():
        return "needs systemd: scripts/setup test"
    return None
