# SPDX-License-Identifier: Apache-2.0
"""Clusters of real processes in network namespaces of their own: regions, links, faults. See cluster/README.md."""

from .keeper import Missing, runs
from .lab import Lab
from .topology import Topology, TopologyFailure, topologies

__all__ = ["Lab", "Missing", "Topology", "TopologyFailure", "runs", "topologies"]
