#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a wg0.conf for each machine of mesh.yml: `make_mesh.py [MESH.yml] FOLDER`.

FOLDER gets keys/NAME.key for each machine, once, and NAME.conf, anew each time; bring NAME.conf to /etc/wireguard/wg0.conf
of NAME and `systemctl enable --now wg-quick@wg0`. Whoever reads a key is that machine: keep FOLDER as you keep keys."""

from __future__ import annotations

import ipaddress
import os
import pathlib
import subprocess
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
# Shorter than the half minute for which home routers remember a way.
KEEPALIVE = 20


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print(__doc__, file=sys.stderr)
        return 64
    mesh = yaml.safe_load(pathlib.Path(arguments[0] if len(arguments) == 2 else HERE / "mesh.yml").read_text())
    if complaints := wrong(mesh):
        print("\n".join(complaints), file=sys.stderr)
        return 65
    folder = pathlib.Path(arguments[-1])
    os.umask(0o077)
    (folder / "keys").mkdir(parents=True, exist_ok=True)
    private = {name: key(folder / "keys" / f"{name}.key") for name in mesh["machines"]}
    public = {name: wg("pubkey", private[name]) for name in private}
    for name in mesh["machines"]:
        (folder / f"{name}.conf").write_text(conf(mesh, name, private[name], public))
    return 0


def wrong(mesh: dict) -> list[str]:
    network, seen, complaints = ipaddress.ip_network(mesh["network"]), set(), []
    for name, machine in mesh["machines"].items():
        address = ipaddress.ip_address(machine["address"])
        if address not in network:
            complaints.append(f"{name}: {address} is not in {network}")
        if address in seen:
            complaints.append(f"{name}: {address} is another's")
        seen.add(address)
    if not any("endpoint" in machine for machine in mesh["machines"].values()):
        complaints.append("no machine has an endpoint, so none can be called")
    return complaints


def key(path: pathlib.Path) -> str:
    if not path.exists():
        path.write_text(wg("genkey") + "\n")
    return path.read_text().strip()


def conf(mesh: dict, name: str, private: str, public: dict[str, str]) -> str:
    """All others are peers, but two without an endpoint, which can not call each other."""
    own = mesh["machines"][name]
    length = ipaddress.ip_network(mesh["network"]).prefixlen
    text = f"[Interface]\nAddress = {own['address']}/{length}\nPrivateKey = {private}\nMTU = {mesh['mtu']}\n"
    if "endpoint" in own:
        text += f"ListenPort = {mesh['port']}\n"
    for other, machine in mesh["machines"].items():
        if other == name or not ("endpoint" in own or "endpoint" in machine):
            continue
        text += f"\n# {other}\n[Peer]\nPublicKey = {public[other]}\nAllowedIPs = {machine['address']}/32\n"
        if "endpoint" in machine:
            text += f"Endpoint = {bracketed(machine['endpoint'])}:{mesh['port']}\n"
            if "endpoint" not in own:
                text += f"PersistentKeepalive = {KEEPALIVE}\n"
    return text


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def wg(verb: str, text: str = "") -> str:
    return subprocess.run(["wg", verb], input=text, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
