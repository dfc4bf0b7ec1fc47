# SPDX-License-Identifier: Apache-2.0
"""The Debian package, in a machine of its own with systemd: installed, started, upgraded and removed."""

from __future__ import annotations

import contextlib
import pathlib
import time

import pytest

import clips
from machine import Machine, obstacle
from server import ROOT, wait_until
from shipped import run

needs_a_machine = pytest.mark.skipif(obstacle() is not None, reason=f"a machine {obstacle()}")


@pytest.fixture(scope="module")
def packages(binary, tmp_path_factory) -> list[str]:
    """A package, and the same under the next version."""
    folder = tmp_path_factory.mktemp("packages")
    first = run(ROOT / "scripts/package", "--program", binary, "--fast", "--version", "0.1.0", "--output", folder).stdout.strip()
    run("dpkg-deb", "--raw-extract", first, folder / "next")
    control = folder / "next/DEBIAN/control"
    control.write_text(control.read_text().replace("Version: 0.1.0-1", "Version: 0.1.1-1"))
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", folder / "next", folder / "next.deb")
    return [first, str(folder / "next.deb")]


def test_the_package_needs_the_libraries_of_the_program(packages) -> None:
    needs = run("dpkg-deb", "--field", packages[0], "Depends").stdout
    for name in ("libc6", "libcurl4", "libhiredis0.14", "libjemalloc2", "libsrtp2-1", "libssl3", "libstdc++6", "zlib1g"):
        assert f"{name} (>= " in needs, needs
    files = run("dpkg-deb", "--contents", packages[0]).stdout
    assert all(line.split()[1] == "root/root" for line in files.splitlines())
    assert "-rw-r-----" in next(line for line in files.splitlines() if line.endswith("/millrace.env"))


@needs_a_machine
def test_from_the_package_to_a_playing_stream(packages, tmp_path, figures) -> None:
    """Three commands: install, publish, play. Then an upgrade, which keeps what was set and starts the new program; a stopped
    node stays stopped; wrong settings; and what is removed is gone."""
    with Machine(tmp_path) as machine:
        installed_upgraded_and_removed(machine, packages, figures)


def installed_upgraded_and_removed(machine: Machine, packages: list[str], figures) -> None:
    first, second = packages
    begun = time.monotonic()
    machine.run("apt-get", "install", "-y", "-q", first)
    installed = time.monotonic()
    with publishing(machine):
        wait_until(lambda: plays(machine), 30, "the stream to play")
        playing = time.monotonic()
        assert fact(machine, "User") == "millrace" and fact(machine, "LimitNOFILE") == "1048576"
        status = machine.run("cat", f"/proc/{fact(machine, 'MainPID')}/status")
        assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status and "CapBnd:\t0000000000000000" in status
        assert "hls" in machine.run("curl", "-sf", "http://127.0.0.1:8080/player/hls.js")
        assert machine.run("stat", "--format=%a %U %G", "/etc/millrace/millrace.env") == "640 root millrace"
        assert machine.run("systemctl", "is-enabled", "millrace") == "enabled"

        machine.run("sh", "-c", "echo 'publisher: {max: 77}' >>/etc/millrace/millrace.yml")
        before = fact(machine, "MainPID")
        upgraded = time.monotonic()
        machine.run("dpkg", "--install", second)
        figures(kind="package", installed=installed - begun, playing=playing - installed, upgraded=time.monotonic() - upgraded,
                size=pathlib.Path(first).stat().st_size)
        assert machine.run("systemctl", "is-active", "millrace") == "active" and fact(machine, "MainPID") != before
        in_force = machine.run("millrace", "check-settings", "--config", "/etc/millrace/millrace.yml")
        assert "publisher.max: 77 " in in_force
        wait_until(lambda: plays(machine), 30, "the stream to play again")

    machine.run("systemctl", "stop", "millrace")
    machine.run("dpkg", "--install", second)
    assert machine.run("systemctl", "is-active", "millrace", check=False) == "inactive", "started what somebody stopped"

    # What is wrong in the settings is told once: the node is not started again and again.
    machine.run("sh", "-c", "sed -i 's/max: 77/maximum: 77/' /etc/millrace/millrace.yml; systemctl start millrace", check=False)
    wait_until(lambda: fact(machine, "ActiveState") == "failed", 20, "the node to fail")
    assert fact(machine, "NRestarts") == "0" and fact(machine, "ExecMainStatus") == "78"
    assert "publisher.maximum" in machine.run("journalctl", "--unit", "millrace", "--no-pager")
    machine.run("sh", "-c", "sed -i 's/maximum: 77/max: 77/' /etc/millrace/millrace.yml; systemctl start millrace")

    machine.run("dpkg", "--remove", "millrace")
    assert machine.run("pgrep", "millrace", check=False) == ""
    assert machine.run("sh", "-c", "ls -d /usr/bin/millrace /usr/lib/millrace /usr/share/millrace", check=False) == ""
    machine.run("test", "-e", "/etc/millrace/millrace.yml")
    machine.run("dpkg", "--purge", "millrace")
    assert machine.run("sh", "-c", "ls -d /etc/millrace /var/lib/millrace /etc/systemd/system/*/millrace.service",
                       check=False) == ""


def fact(machine: Machine, name: str) -> str:
    return machine.run("systemctl", "show", "--property", name, "--value", "millrace")


def plays(machine: Machine) -> bool:
    return "EXT-X-PART" in machine.run("curl", "-s", "--max-time", "3", "http://127.0.0.1:8080/live/room/main/media.m3u8",
                                       check=False)


@contextlib.contextmanager
def publishing(machine: Machine):
    """ffmpeg, again and again, as encoders do that lose their server."""
    words = ["ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i",
             str(pathlib.Path(clips.path("small")).resolve()), "-c", "copy", "-f", "flv", "rtmp://127.0.0.1:1935/live/room"]
    machine.run("systemd-run", "--unit=publisher", "--property=Restart=always", "--property=RestartSec=300ms",
                "--property=StartLimitBurst=1000", *words)
    try:
        yield
    finally:
        machine.run("systemctl", "stop", "publisher", check=False)
