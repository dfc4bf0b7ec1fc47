#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the databases of this folder with `mmdb-writer` (PyPI), one for each record size and family."""

from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet


def write(name, version, networks, **options):
    writer = MMDBWriter(version, database_type="Millrace-Test", description="tests", **options)
    for network, value in networks.items():
        writer.insert_network(IPSet([network]), value)
    writer.to_db_file(f"{name}.mmdb")


def widen(name, bits):
    """The same tree with wider records, which mmdb-writer chooses for large trees only."""
    old = Path(f"{name}.mmdb").read_bytes()
    metadata = old.rindex(b"\xab\xcd\xefMaxMind.com")
    tree = old.index(bytes(16))
    while tree % 6:
        tree = old.index(bytes(16), tree + 1)
    records = [int.from_bytes(old[at:at + 3], "big") for at in range(0, tree, 3)]
    out = b""
    for left, right in zip(records[::2], records[1::2]):
        if bits == 32:
            out += left.to_bytes(4, "big") + right.to_bytes(4, "big")
        else:
            middle = left >> 24 << 4 | right >> 24
            out += (left & 0xFFFFFF).to_bytes(3, "big") + bytes([middle]) + (right & 0xFFFFFF).to_bytes(3, "big")
    end = old[metadata:].replace(b"record_size\xa1\x18", b"record_size\xa1" + bytes([bits]))
    Path(f"{name}-{bits}.mmdb").write_bytes(out + old[tree:metadata] + end)


V4 = {
    "192.0.2.0/24": {"country": {"iso_code": "DE"}, "location": {"latitude": 52.5, "longitude": -13.25}, "asn": 64500},
    "198.51.100.0/25": {"country": {"iso_code": "US"}, "anycast": True, "names": ["a", "b" * 400], "low": -5},
}
V6 = {"2001:db8:1::/48": {"country": {"iso_code": "FR"}, "big": 2**70}}
write("v4", 4, V4)
write("v6", 6, {**V4, **V6}, ipv4_compatible=True)
widen("v4", 28)
widen("v6", 32)
