# SPDX-License-Identifier: Apache-2.0
"""The Debian package, in a machine of its own with systemd: installed, started, upgraded and removed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import time

import pytest

import clips
from machine import Machine, obstacle
from server import ROOT, wait_until
from shipped import DEPLOYMENTS, run

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
    """Three commands: install, publish, play. Then the doctor, with the node's own eyes; an upgrade, which keeps what
    was set and starts the new program; a stopped node stays stopped; wrong settings; and what is removed is gone."""
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

        the_doctor_knows_what_the_node_knows(machine)

        machine.run("sh", "-c", "echo 'publisher: {max: 77}' >>/etc/millrace/millrace.yml")
        before = fact(machine, "MainPID")
        upgraded = time.monotonic()
        machine.run("dpkg", "--install", second)
        figures(kind="package", installed=installed - begun, playing=playing - installed, upgraded=time.monotonic() - upgraded,
                size=pathlib.Path(first).stat().st_size)
        assert machine.run("systemctl", "is-active", "millrace") == "active" and fact(machine, "MainPID") != before
        assert "publisher.max: 77 " in machine.run("/usr/lib/millrace/as-node", "check-settings")
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


def the_doctor_knows_what_the_node_knows(machine: Machine) -> None:
    """Settings of a cluster, whose key only the unit reads; the unit's limits and rights, not those of root's shell."""
    machine.run("sh", "-c", "cp --archive /etc/millrace /root/before; "
                "echo 'cluster: {seeds: [127.0.0.1]}' >>/etc/millrace/millrace.yml; "
                f"echo MILLRACE_CLUSTER_KEY={'0' * 64} >>/etc/millrace/millrace.env; "
                "echo 'storage: {kind: file, path: /srv/recordings}' >>/etc/millrace/millrace.yml; "
                "mkdir /srv/recordings; chown millrace /srv/recordings")
    alone = machine.run("sh", "-c", "millrace doctor --config /etc/millrace/millrace.yml 2>&1; echo $?")
    assert alone.endswith("\n78") and "cluster.key" in alone
    told = machine.run("sh", "-c", "ulimit -n 1024; /usr/lib/millrace/as-node doctor; echo $?")
    lines = {line[6:].partition(":")[0]: line for line in told.splitlines()}
    # As many as the node itself may have: what the unit says, or the most that this machine allows.
    node = fact(machine, "MainPID")
    files = machine.run("awk", "/Max open files/ {print $4}", f"/proc/{node}/limits")
    assert f" open files: at most {files};" in lines["open files"] and int(files) > 1024
    assert f": held by millrace (process {node});" in lines["http.port 8080/tcp"]
    assert "seed 127.0.0.1" in lines
    # The unit must not write there, until a drop-in says so.
    assert lines["storage.kind file"].startswith("fail") and told.endswith("\n1")
    drop_in = "/run/systemd/system/millrace.service.d"
    machine.run("sh", "-c", f"mkdir {drop_in}; "
                f"printf '[Service]\\nReadWritePaths=/srv/recordings\\n' >{drop_in}/own.conf; systemctl daemon-reload")
    assert "\nok    storage.kind file" in machine.run("/usr/lib/millrace/as-node", "doctor", check=False)
    machine.run("sh", "-c", f"rm -r /etc/millrace {drop_in}; mv /root/before /etc/millrace; systemctl daemon-reload")


@pytest.mark.unit
def test_as_node_is_as_the_unit(tmp_path) -> None:
    """What it says itself stands in the unit; of the rest it asks; words and status are the command's."""
    script, unit = DEPLOYMENTS / "systemd/as-node", (DEPLOYMENTS / "systemd/millrace.service").read_text()
    own = re.findall(r"--property=(\w+=[^\s\"$]+)", script.read_text())
    assert len(own) >= 9 and set(own) <= set(unit.splitlines()), set(own) - set(unit.splitlines())
    for name, text in (("systemctl", "echo \"of $3\""), ("systemd-run", "printf '<%s>' \"$@\"; exit 3")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PROGRAM": "/new/millrace"}
    done = run(script, "token", "a b", check=False, env=environment)
    assert done.returncode == 3 and done.stdout.endswith("</new/millrace><token><a b>"), done.stdout
    assert "<--property=LimitNOFILE=of LimitNOFILE>" in done.stdout and "<--property=User=millrace>" in done.stdout
    assert run(script, check=False).returncode == 64


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
