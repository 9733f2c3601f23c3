"""Verdicts as Markdown."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from crash_scenarios import Scenario, Verdict
from crash_verdict import Finding, Kind
from fault_matrix import FaultOutcome

_KINDS = tuple(Kind)
_OP_ID, _DSEQ = re.compile(r"op_[0-9a-f]{16}"), re.compile(r"\b\d{13}\b")


def crashes_table(verdicts: Sequence[Verdict]) -> str:
    """A row a scenario, what is wrong first."""
    rows = [
        (
            str(verdict.scenario.tool),
            verdict.scenario.generation,
            "undisturbed" if verdict.scenario.point is None else str(verdict.scenario.point),
            "" if verdict.scenario.point is None else str(verdict.scenario.fate),
            "" if verdict.scenario.point is None else str(verdict.scenario.blow),
            "" if verdict.scenario.point is None else _restart(verdict.scenario),
            str(verdict.looks),
            verdict.became,
            f"{verdict.seconds:.1f}",
            _words(verdict.findings),
        )
        for verdict in sorted(verdicts, key=lambda verdict: verdict.is_clean)
    ]
    return _table(
        ("tool", "generation", "at", "which is", "blow", "restart", "looks", "became", "s", "verdict"), rows
    )


def summary(verdicts: Sequence[Verdict], took: float) -> str:
    """How many of each tool and generation are clean, and how many have what; then the times, in seconds."""
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.scenario.tool, verdict.scenario.generation), []).append(verdict)
    rows = [
        (
            tool,
            generation,
            str(len({verdict.scenario.point for verdict in group} - {None})),
            str(len(group)),
            str(sum(verdict.is_clean for verdict in group)),
            *_counted(verdict.findings for verdict in group),
        )
        for (tool, generation), group in groups.items()
    ]
    clean = sum(verdict.is_clean for verdict in verdicts)
    rows.append(
        (
            "all",
            "",
            "",
            str(len(verdicts)),
            str(clean),
            *_counted(verdict.findings for verdict in verdicts),
        )
    )
    head = ("tool", "generation", "points", "scenarios", "clean", *_KINDS)
    seconds = sorted(verdict.seconds for verdict in verdicts) or [0.0]
    times = (
        f"{len(verdicts)} scenarios in {took:.0f} s; each {statistics.median(seconds):.1f} s in the median, "
        f"{seconds[-1]:.1f} s at most."
    )
    return f"{_table(head, rows)}\n{times}\n"


def faults_table(outcomes: Sequence[FaultOutcome]) -> str:
    """A row a fault, a tool and a generation, what is wrong first; then how many are clean."""
    rows = [
        (
            outcome.case.fault,
            str(outcome.case.tool),
            outcome.case.generation,
            outcome.outcome.replace("|", "\\|"),
            f"{outcome.seconds:.1f}",
            _words(outcome.findings),
        )
        for outcome in sorted(outcomes, key=lambda outcome: not outcome.findings)
    ]
    clean = sum(not outcome.findings for outcome in outcomes)
    table = _table(("fault", "tool", "generation", "what was answered", "s", "ledger against books"), rows)
    counts = ", ".join(
        f"{kind}: {count}"
        for kind, count in zip(_KINDS, _counted(each.findings for each in outcomes), strict=True)
    )
    return f"{table}\n{clean} of {len(outcomes)} are clean. {counts}.\n"


def _restart(scenario: Scenario) -> str:
    again = f"serve, killed at its request {scenario.again}, then " if scenario.again else ""
    return f"{again}{scenario.restart}"


def _counted(groups: Iterable[Sequence[Finding]]) -> tuple[str, ...]:
    """In how many groups there is each kind."""
    counts = Counter(kind for findings in groups for kind in {finding.kind for finding in findings})
    return tuple(str(counts[kind]) for kind in _KINDS)


def _words(findings: Sequence[Finding]) -> str:
    """What is wrong. Names are left out: they are others in each run, and what they named is gone."""
    text = "; ".join(str(finding) for finding in findings).replace("|", "\\|")
    return _DSEQ.sub("D", _OP_ID.sub("op", text)) or "clean"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
