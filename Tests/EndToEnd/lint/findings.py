# SPDX-License-Identifier: Apache-2.0
"""Rules and findings as data."""

from __future__ import annotations

import dataclasses
import threading
import time

ERROR = "error"  # a MUST is broken
WARNING = "warning"  # a SHOULD is broken


@dataclasses.dataclass(frozen=True)
class Rule:
    id: str
    level: str
    sentence: str
    source: str


@dataclasses.dataclass(frozen=True)
class Finding:
    rule: str
    level: str
    message: str
    where: str
    at: float

    def __str__(self) -> str:
        return f"{self.level}: {self.rule}: {self.message} [{self.where}] ({RULES[self.rule].source})"


RULES: dict[str, Rule] = {}


def rule(id: str, level: str, sentence: str, source: str) -> str:
    """Declares a rule; modules call it once for each rule they can find broken."""
    if id in RULES:
        raise ValueError(f"rule {id} is declared twice")
    RULES[id] = Rule(id, level, sentence, source)
    return id


class Report:
    """Collects findings; the same rule at the same place is kept once, with a count."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.counts: dict[tuple[str, str, str], int] = {}
        self._lock = threading.Lock()

    def add(self, rule_id: str, message: str, where: str = "") -> None:
        declared = RULES[rule_id]
        with self._lock:
            key = (rule_id, where, message)
            self.counts[key] = self.counts.get(key, 0) + 1
            if self.counts[key] == 1:
                self.findings.append(Finding(rule_id, declared.level, message, where, time.time()))

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == ERROR]

    @property
    def warnings(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == WARNING]

    def rules(self) -> set[str]:
        return {finding.rule for finding in self.findings}

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings) or "no findings"
