# SPDX-License-Identifier: Apache-2.0
"""Programs of tests: waited for, always ended, and heard where they fail."""

from __future__ import annotations

import os
import pathlib

import pytest

from process import Process, wait_until

pytestmark = pytest.mark.unit
# It is there when it has said so.
HERE = "echo here; exec sleep 60"


def shell(words: str, said: str = "here", **options: object) -> Process:
    """A shell that is ready when it has said something."""
    program = Process(["sh", "-c", words], lambda: said in program.log(), **options)
    return program


def test_it_is_waited_for_and_ended() -> None:
    with shell("sleep 0.3; echo he; echo re; " + HERE) as program:
        assert program.log() == "he\nre\nhere\n" and program.process.poll() is None
    assert program.process.returncode == -15 and program.log() == ""


def test_it_begins_again_with_another_log() -> None:
    with shell('echo "$$"; ' + HERE) as program:
        first, log = program.pid, program.log()
        program.kill()
        assert program.process.returncode == -9 and program.log() == log == f"{first}\nhere\n"
        program.start()
        assert program.pid != first and program.log() == f"{program.pid}\nhere\n"


def test_what_does_not_obey_is_killed() -> None:
    with shell("trap '' TERM; echo here; while :; do sleep 0.05; done", patience=0.2) as program:
        pass
    assert program.process.returncode == -9


def test_no_patience_is_sigkill() -> None:
    with shell(HERE, patience=0) as program:
        pass
    assert program.process.returncode == -9


@pytest.mark.parametrize("words, said", [("echo no such port; exit 3", "sh ended with 3:\nno such port"),
                                         ("echo no such port; exec sleep 60", "in vain for sh to be ready")])
def test_what_does_not_come_up_is_heard(words: str, said: str, capfd) -> None:
    program = shell(words, seconds=0.4)
    with pytest.raises(AssertionError) as failure, program:
        pytest.fail("it has come up")
    assert said in str(failure.value) and "--- the end of sh's log\nno such port\n" in capfd.readouterr().out
    assert program.process.returncode is not None


def test_it_is_heard_when_the_block_fails(capfd) -> None:
    with pytest.raises(ZeroDivisionError), shell(HERE, name="the shell"):
        assert 1 / 0
    assert "--- the end of the shell's log\nhere\n" in capfd.readouterr().out


def test_it_has_nothing_open_of_ours() -> None:
    """A pipe that a program kept would keep alive whoever reads its other end."""
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        with shell(HERE) as program:
            folder = pathlib.Path(f"/proc/{program.pid}/fd")
            wait_until(lambda: "sleep" in pathlib.Path(f"/proc/{program.pid}/cmdline").read_text(), 5, "exec")
            files = {name: os.readlink(folder / name) for name in os.listdir(folder)}
        assert set(files) == {"0", "1", "2"} and files["0"] == "/dev/null", files
        assert files["1"] == files["2"] and not files["1"].startswith(("pipe:", "/dev")), files
    finally:
        os.close(read)
        os.close(write)
