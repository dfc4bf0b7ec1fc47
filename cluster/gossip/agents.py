# SPDX-License-Identifier: Apache-2.0
"""What is measured: programs that know who is a member, and what their log lines say of it."""

from __future__ import annotations

import json
import re
import signal

PORT = 7946


class Agents:
    """How one program is started in a node and asked to leave, and what a line of its log means."""

    name: str
    # Whether every node says when it takes another for suspected; serf's do not.
    tells_suspicion = False
    leave_signal: int

    def command(self, seed: str) -> list[str]:
        """For a node that joins through `seed`, or is that one; braces are filled by the lab."""
        raise NotImplementedError

    def parse(self, line: str) -> tuple[str, str] | None:
        """(member, alive | suspect | dead | left), where the line tells of a change."""
        raise NotImplementedError


class MillraceAgents(Agents):
    """Lines `{"message": "member changed", "member": "n7", "health": "dead", …}`; seeds are the topology's."""

    name = "millrace"
    tells_suspicion = True
    leave_signal = signal.SIGTERM

    def command(self, seed: str) -> list[str]:
        return ["millrace", "serve", "--config", "{settings}"]

    def parse(self, line: str) -> tuple[str, str] | None:
        if '"member changed"' not in line:
            return None
        try:
            told = json.loads(line)
        except ValueError:
            return None
        if told.get("message") != "member changed" or told.get("health") not in HEALTHS:
            return None
        return told.get("member", ""), told["health"]


class SerfAgents(Agents):
    """Debian's serf with its profile for local networks, as it comes."""

    name = "serf"
    leave_signal = signal.SIGINT
    line = re.compile(r"serf: Event(Member\w+)(?: \(forced\))?: (\S+) ")
    told = {"MemberJoin": "alive", "MemberFailed": "dead", "MemberLeave": "left"}

    def command(self, seed: str) -> list[str]:
        return ["serf", "agent", "-node={name}", f"-bind={{address}}:{PORT}", "-profile=lan",
                f"-retry-join={seed}:{PORT}", "-retry-interval=1s", "-log-level=info"]

    def parse(self, line: str) -> tuple[str, str] | None:
        found = self.line.search(line)
        return (found[2], self.told[found[1]]) if found and found[1] in self.told else None


HEALTHS = ("alive", "suspect", "dead", "left")
KINDS = {each.name: each for each in (MillraceAgents, SerfAgents)}
