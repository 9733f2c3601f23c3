"""The official conformance suite: what a revision of the protocol requires of a server, and whether it is so.

Its exit code says only whether the scored scenarios passed, and takes a warning for a success. Here each check of
each scenario has to succeed, also of the extensions and of what was added after a revision came out. What does not is
listed with its reason, and a scenario that passes although it is listed fails the run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from node_tools import NodeTools, run

REVISIONS = ("2026-07-28", "2025-11-25")

EXCUSED = {
    "server-sse-polling": "streams are not kept to be resumed; what was begun is found again by get_deployment",
    "tasks-status-notifications": "the suite cannot look at these yet, and says so",
}
"""Scenarios that do not pass, and why. One that passes fails the run until it is taken off."""

_FINE = ("SUCCESS", "INFO")
_RESULT = re.compile(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: how many checks succeeded, and what was said of the others."""

    name: str
    succeeded: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one run of a revision came to."""

    revision: str
    exit_code: int
    printed: str
    scenarios: tuple[Scenario, ...]

    @property
    def checks(self) -> int:
        """How many checks there were."""
        return sum(scenario.succeeded + len(scenario.problems) for scenario in self.scenarios)

    @property
    def excused(self) -> int:
        """How many scenarios did not pass, and do not have to."""
        return sum(scenario.name in EXCUSED for scenario in self.scenarios)

    @property
    def failures(self) -> list[str]:
        """Why this run is none to be content with; empty where it is."""
        return list(self._failures())

    def _failures(self) -> Iterator[str]:
        if not self.scenarios:
            yield f"{self.revision}: nothing was run: {self.printed[-2000:]}"
        for scenario in self.scenarios:
            if scenario.name in EXCUSED:
                if not scenario.problems:
                    yield f"{self.revision}: {scenario.name} passes, and is still excused"
                continue
            for problem in scenario.problems:
                yield f"{self.revision}: {scenario.name}: {problem}"
        if self.exit_code and not any(each.problems for each in self.scenarios):
            yield f"{self.revision}: the suite ended with {self.exit_code}: {self.printed[-2000:]}"


def judge(tools: NodeTools, url: str, revision: str, folder: Path) -> Verdict:
    """Run everything that the suite has for a revision, at that revision's wire, against the server at `url`."""
    folder.mkdir()
    done = run(
        tools.suite("server", "--url", url, "--requirements", revision, "--output-dir", str(folder)), folder
    )
    found = (_scenario(path) for path in sorted(folder.glob("server-*/checks.json")))
    return Verdict(revision, done.returncode, done.stdout + done.stderr, tuple(found))


def _scenario(path: Path) -> Scenario:
    named = _RESULT.fullmatch(path.parent.name)
    assert named is not None, path
    checks = json.loads(path.read_text("utf-8"))
    problems = [
        f"{check['id']}: {check['status']}: {check.get('errorMessage') or check['description']}"
        for check in checks
        if check["status"] not in _FINE
    ]
    return Scenario(named[1], len(checks) - len(problems), tuple(problems))
