# SPDX-License-Identifier: Apache-2.0
"""What comparisons of servers share: the two cores, and whose work a core did."""

import json
import os
import platform
import socket
from pathlib import Path

SERVER_CORE, LOAD_CORE = "0", "1"
TICK = os.sysconf("SC_CLK_TCK")
# Percent of the server's core that others may take before a turn does not count.
DISTURBED = 10


def core_busy():
    """Seconds in which the server's core was not idle, by anybody, the host included."""
    name = f"cpu{SERVER_CORE} "
    ticks = next(text for text in Path("/proc/stat").read_text().splitlines() if text.startswith(name)).split()[1:9]
    return sum(int(count) for number, count in enumerate(ticks) if number not in (3, 4)) / TICK


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def tree(pid):
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += tree(int(child))
    return found


def stat(pid):
    """The fields of /proc/PID/stat from the third on; the second may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def machine(server):
    """The machine, and the server that is measured beside ours."""
    cpu = next((text.partition(":")[2].strip() for text in Path("/proc/cpuinfo").read_text().splitlines()
                if text.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores of {cpu}, Linux {platform.release()}, {server}."


def hand_over(page, text, turns, options, own):
    """Prints a page and writes it, and the turns, where `options` say. Returns the exit status: 1 where one of ours was not sound."""
    print(text)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / page).write_text(text)
    if options.json:
        options.json.write_text(json.dumps(turns, indent=2) + "\n")
    return 0 if all(one["sound"] for one in turns if one["server"] == own) else 1
