# SPDX-License-Identifier: Apache-2.0
"""The lab's commands; cluster/drill and `millrace-drill run` call them."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading

from .keeper import Missing, runs
from .lab import Lab, clean
from .topology import Topology, TopologyFailure, bits, seconds, share, topologies


def main() -> int:
    options = arguments()
    try:
        return options.verb(options) or 0
    except (Missing, TopologyFailure, AssertionError) as failure:
        print(f"drill: {failure}", file=sys.stderr)
        return 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="drill", description="Runs clusters in network namespaces, and breaks them.")
    parser.add_argument("--on", metavar="RUN", help="the run that is meant, where there are several")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(function, about: str, *names: str):
        added = verbs.add_parser(function.__name__.rstrip("_"), help=about, description=about)
        added.set_defaults(verb=function)
        for name in names:
            added.add_argument(name)
        return added

    for function, about in ((run, "make it, start all nodes, and stay until Ctrl-C takes it away"),
                            (up, "the same, and return: it lives until down")):
        added = verb(function, about, "topology")
        added.add_argument("--bare", action="store_true", help="start no process")
        added.add_argument("--name", help="how the run is called")
    verb(down, "end a run and take away all of it")
    verb(clean_, "remove what dead runs left")
    verb(list_, "the topologies and runs there are")
    verb(ps, "nodes, addresses, processes")
    verb(traffic, "IP packets and bytes of every node")
    verb(logs, "what a node wrote", "node").add_argument("-f", "--follow", action="store_true")
    verb(exec_, "a command in a node's network: exec o1 -- curl 127.0.0.1:8080/health", "node").add_argument(
        "command", nargs=argparse.REMAINDER)
    for function, about in ((start, "start nodes"), (kill, "kill -9"), (stop, "SIGTERM, and wait for the end"),
                            (freeze, "SIGSTOP"), (thaw, "SIGCONT")):
        verb(function, f"{about}; NODES: names, regions, region/zone, all, with commas", "nodes")
    added = verb(cut, "let nothing pass between nodes", "one")
    added.add_argument("other", nargs="?", default="all")
    added.add_argument("--one-way", action="store_true", help="only from ONE to OTHER")
    added.add_argument("--for", dest="seconds", type=seconds, help="heal after this time: 10s")
    added = verb(partition, "let nothing pass between groups: partition east west")
    added.add_argument("groups", nargs="+")
    added.add_argument("--for", dest="seconds", type=seconds, help="heal after this time: 10s")
    added = verb(heal, "take back cuts and partitions, all or between nodes")
    added.add_argument("one", nargs="?")
    added.add_argument("other", nargs="?", default="all")
    added = verb(lose, "drop a share of the packets: lose 25%% e1 o1")
    added.add_argument("share", type=share)
    added.add_argument("one", nargs="?", default="all")
    added.add_argument("other", nargs="?", default="all")
    added.add_argument("--udp", action="store_true", help="UDP only")
    verb(rate, "the access lines of nodes", "nodes").add_argument("rate", type=bits, help="10Mbit, any")
    added = verb(link, "change a link between regions", "one", "other")
    added.add_argument("--one-way", action="store_true")
    for name, example in (("delay", "75ms"), ("jitter", "5ms"), ("loss", "1%%"), ("rate", "10Mbit, any")):
        added.add_argument(f"--{name}", help=example)
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    with Lab.up(options.topology, start=not options.bare, run=options.name) as lab:
        show(lab)
        print(f"{lab.folder.name} runs; cluster/drill --help in another shell, Ctrl-C here ends it", flush=True)
        while not ended.is_set() and lab.keeper.process.alive:
            ended.wait(1)


def up(options: argparse.Namespace) -> None:
    lab = Lab.up(options.topology, start=not options.bare, tied=False, run=options.name)
    show(lab)
    print(lab.folder.name)


def down(options: argparse.Namespace) -> None:
    Lab.find(options.on).down()


def clean_(_: argparse.Namespace) -> None:
    for name in clean():
        print(f"removed {name}")


def list_(_: argparse.Namespace) -> None:
    for name in topologies():
        topology = Topology.load(name)
        print(f"{name:<14} {len(topology.nodes):>3} nodes  {topology.about}")
    for folder in runs():
        print(f"run {folder.name}")


def ps(options: argparse.Namespace) -> None:
    show(Lab.find(options.on))


def show(lab: Lab) -> None:
    for node in lab.topology.nodes.values():
        process = lab.process(node.name)
        state = "-" if process is None else str(process.pid) if process.alive else "ended"
        print(f"{node.name:<14} {node.region + '/' + node.zone:<14} {node.address:<12} {state:<8} "
              f"{','.join(node.roles)}")


def traffic(options: argparse.Namespace) -> None:
    for name, count in Lab.find(options.on).traffic().items():
        print(f"{name:<14} sent {count['sent_packets']:>9} packets {count['sent_bytes']:>12} bytes"
              f"   received {count['received_packets']:>9} packets {count['received_bytes']:>12} bytes")


def logs(options: argparse.Namespace) -> None:
    path = Lab.find(options.on).log_path(options.node)
    command = ["tail", "-n", "+1", *(["-F"] if options.follow else []), str(path)]
    os.execvp(command[0], command)


def exec_(options: argparse.Namespace) -> int:
    lab = Lab.find(options.on)
    command = [word for index, word in enumerate(options.command) if index or word != "--"]
    name, = lab.topology.names([options.node])
    return subprocess.call(["nsenter", f"--net={lab.keeper.network(name)}", *(command or ["sh"])])


def start(options: argparse.Namespace) -> None:
    Lab.find(options.on).start(options.nodes)


def kill(options: argparse.Namespace) -> None:
    Lab.find(options.on).kill(options.nodes)


def stop(options: argparse.Namespace) -> None:
    print(f"{Lab.find(options.on).stop(options.nodes):.2f} s")


def freeze(options: argparse.Namespace) -> None:
    Lab.find(options.on).freeze(options.nodes)


def thaw(options: argparse.Namespace) -> None:
    Lab.find(options.on).thaw(options.nodes)


def cut(options: argparse.Namespace) -> None:
    Lab.find(options.on).cut(options.one, options.other, options.one_way, options.seconds)


def partition(options: argparse.Namespace) -> None:
    Lab.find(options.on).partition(options.groups, options.seconds)


def heal(options: argparse.Namespace) -> None:
    Lab.find(options.on).heal(options.one, options.other)


def lose(options: argparse.Namespace) -> None:
    Lab.find(options.on).lose(options.share, options.one, options.other, options.udp)


def rate(options: argparse.Namespace) -> None:
    Lab.find(options.on).limit(options.nodes, options.rate)


def link(options: argparse.Namespace) -> None:
    words = {key: getattr(options, key) for key in ("delay", "jitter", "loss", "rate")}
    Lab.find(options.on).link(options.one, options.other, options.one_way,
                              **{key: value for key, value in words.items() if value is not None})


if __name__ == "__main__":
    sys.exit(main())
