# SPDX-License-Identifier: Apache-2.0
"""The commands that make a topology's network in the middle namespace, and those that break it."""

from __future__ import annotations

import dataclasses

from .topology import Link, Node, Topology

# An access line of a node queues as long as this before it drops.
QUEUE = "200ms"


@dataclasses.dataclass
class Loss:
    """A share of the packets from some nodes to others that is dropped where they enter the middle."""

    sources: list[str]
    targets: list[str]
    share: float
    udp: bool


def build(topology: Topology) -> str:
    """A bridge for each region, a cable to each node, and a cable to the delay line where there is more than one."""
    middle, inner, last, ports = ["link set dev lo up"], [], [], []
    several = len(topology.regions) > 1
    for number in topology.regions.values():
        middle.append(f"link add name br-{number} type bridge")
        middle.append(f"link set dev br-{number} addrgenmode none")
        middle.append(f"link set dev br-{number} up")
        if several:
            middle += [f"link add name up-{number} type veth peer name line-{number}",
                       f"link set dev up-{number} addrgenmode none", f"link set dev line-{number} addrgenmode none",
                       f"link set dev up-{number} master br-{number}", f"link set dev up-{number} up",
                       f"link set dev line-{number} up"]
    for node in topology.nodes.values():
        inner.append(f"ip netns add {node.name}")
        middle += [f"link add name {node.port} type veth peer name eth0 address {node.mac} netns {node.name}",
                   f"link set dev {node.port} addrgenmode none",
                   f"link set dev {node.port} master br-{node.region_number}", f"link set dev {node.port} up"]
        ports += [f"fdb add {node.mac} dev {node.port if number == node.region_number else f'up-{number}'} master static"
                  for number in topology.regions.values()]
        last.append("\n".join([f"ip -n {node.name} -batch - <<'END'", "link set dev lo up",
                               "link set dev eth0 addrgenmode none", f"addr add {node.address}/8 dev eth0",
                               "link set dev eth0 up", *neighbours(topology, node), "END"]))
        if several:
            # Otherwise packets come out of the delay line with a checksum that no card was there to fill in.
            last.append(f"ip netns exec {node.name} ethtool -K eth0 tx off gso off gro off >/dev/null")
    return "\n".join([*inner, "ip -batch - <<'END'", *middle, "END", "bridge -batch - <<'END'", *ports, "END", *last,
                      "nft -f - <<'END'", RULES, "END", ""])


def neighbours(topology: Topology, node: Node) -> list[str]:
    """Everybody's hardware address is known beforehand: nobody asks by ARP, no bridge floods. The kernel's table of
    learned neighbours is one for the whole machine, and fifty nodes that know each other would overflow it."""
    return [f"neigh add {other.address} lladdr {other.mac} dev eth0 nud permanent"
            for other in topology.nodes.values() if other is not node]


def delay_line(topology: Topology, links: dict[tuple[str, str], Link]) -> str:
    """What `millrace-drill delay-line` reads: ports, then every link in microseconds, shares and bits a second."""
    ports = [f"port {number} line-{number}" for number in topology.regions.values()]
    pairs = [(one, other) for one in topology.regions for other in topology.regions if one != other]
    lines = []
    for one, other in pairs:
        link = links.get((one, other), Link())
        lines.append(f"link {topology.regions[one]} {topology.regions[other]} {round(link.delay * 1e6)} "
                     f"{round(link.jitter * 1e6)} {link.loss:.6f} {link.rate}")
    return "\n".join([*ports, *lines, ""])


def block(pairs: list[tuple[Node, Node]], seconds: float | None) -> str:
    """Packets from the first of each pair to the second are dropped, for ever or for some time; then it heals itself."""
    if not pairs:
        return ""
    until = f" timeout {max(1, round(seconds * 1000))}ms" if seconds else ""
    elements = ", ".join(f"{one.address} . {other.address}" for one, other in pairs)
    timed = ", ".join(f"{one.address} . {other.address}{until}" for one, other in pairs)
    # An element that is there keeps its old time when it is added again: so it is added, deleted and added.
    return rules(f"add element bridge lab blocked {{ {elements} }}\n"
                 f"delete element bridge lab blocked {{ {elements} }}\n"
                 f"add element bridge lab blocked {{ {timed} }}")


def unblock(pairs: list[tuple[Node, Node]] | None) -> str:
    """All pairs without a list."""
    if pairs is None:
        return rules("flush set bridge lab blocked")
    elements = ", ".join(f"{one.address} . {other.address}" for one, other in pairs)
    return rules(f"add element bridge lab blocked {{ {elements} }}\n"
                 f"delete element bridge lab blocked {{ {elements} }}")


def lose(topology: Topology, losses: list[Loss]) -> str:
    """All losses there are, in place of those there were."""
    lines = ["flush chain bridge lab loss"]
    for loss in losses:
        def addresses(names: list[str]) -> str:
            return ", ".join(topology.nodes[name].address for name in names)
        lines.append(f"add rule bridge lab loss ip saddr {{ {addresses(loss.sources)} }} "
                     f"ip daddr {{ {addresses(loss.targets)} }} {'ip protocol udp ' if loss.udp else ''}"
                     f"numgen random mod 10000 < {round(loss.share * 10000)} drop")
    return rules("\n".join(lines))


def limit(node: Node, rate: int) -> str:
    """The node's access line, both ways."""
    lines = []
    for where, device in (("", node.port), (f"-n {node.name} ", "eth0")):
        lines.append(f"tc {where}qdisc replace dev {device} root tbf rate {rate}bit burst 32kb latency {QUEUE}" if rate
                     else f"tc {where}qdisc delete dev {device} root 2>/dev/null || true")
    return "\n".join(lines)


def rules(text: str) -> str:
    return f"nft -f - <<'END'\n{text}\nEND\n"


# In the bridge family and in the middle, so that nodes need no privilege and can not escape. A packet meets them once,
# where it comes in from its node; `received` counts behind all losses, in the region of the target.
RULES = """
table bridge lab {
    set blocked { type ipv4_addr . ipv4_addr; flags timeout; }
    set sent { type ipv4_addr; size 65535; flags dynamic; counter; }
    set received { type ipv4_addr; size 65535; flags dynamic; counter; }
    chain loss { }
    chain from_node {
        update @sent { ip saddr counter }
        ip saddr . ip daddr @blocked drop
        jump loss
    }
    chain entry {
        type filter hook prerouting priority 0; policy accept;
        iifname "n-*" ether type ip jump from_node
    }
    chain exit {
        type filter hook postrouting priority 0; policy accept;
        oifname "n-*" ether type ip update @received { ip daddr counter }
    }
}
"""
