# SPDX-License-Identifier: Apache-2.0
"""Measures Millrace's gossip beside serf's: fifty real processes, the same faults, one run. See cluster/README.md."""

from .comparison import compare, markdown
from .measures import FULL, SHORT, Lengths

__all__ = ["FULL", "SHORT", "Lengths", "compare", "markdown"]
