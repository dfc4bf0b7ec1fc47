# SPDX-License-Identifier: Apache-2.0
"""Chaos on real nodes: encoders, viewers that check all they are given, and faults drawn by seed. See
cluster/README.md."""

import pathlib
import sys

# The clips and the RTMP publisher of the end-to-end tests.
END_TO_END = pathlib.Path(__file__).resolve().parents[2] / "Tests/EndToEnd"
if str(END_TO_END) not in sys.path:
    sys.path.append(str(END_TO_END))
