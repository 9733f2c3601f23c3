"""A command is approved as it is: shown whole and exact, bound in every part, written down nowhere, run once."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.guard.approval.approval import Approver, AskThePerson
from akash_mcp.guard.approval.tokens import Tokens
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.plans.plans import ExecPlan
from akash_mcp.guard.policy.policy import ApprovalMode, Policy
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.sanitize.shell import command_line

LEASE = LeaseId(Dseq("1763759482113"), 1, 1, ProviderAddress("akash1aaa"))
PLAN = ExecPlan(
    tool="run_command",
    lease=LEASE,
    service="web",
    pod_index=0,
    argv=("sh", "-c", "rm -rf /data"),
    seconds=20,
    ours=True,
)
CHANGED: dict[str, Any] = {
    "tool": "other",
    "lease": dataclasses.replace(LEASE, provider=ProviderAddress("akash1bbb")),
    "service": "db",
    "pod_index": 1,
    "argv": ("sh", "-c", "rm", "-rf", "/data"),
    "seconds": 21,
    "ours": False,
}


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(ExecPlan)])
def test_every_part_of_a_command_is_bound_to_its_yes(name: str) -> None:
    assert dataclasses.replace(PLAN, **{name: CHANGED[name]}).fingerprint != PLAN.fingerprint


@pytest.mark.anyio
@pytest.mark.parametrize("ours", [True, False])
async def test_a_command_is_always_asked_for(ours: bool, tmp_path: Path) -> None:
    plan = dataclasses.replace(PLAN, ours=ours)
    judge = Approver(Policy(approval=ApprovalMode.ELICIT), Tokens(Store(tmp_path)))
    assert isinstance(await judge.consider(plan, can_ask=True), AskThePerson)


def test_the_command_is_shown_and_not_recorded() -> None:
    assert PLAN.summary.endswith("\n\n    sh -c 'rm -rf /data'")
    assert "rm" not in PLAN.record
    assert 'service "web" of deployment 1763759482113' in PLAN.record


HIDING = {
    "a line end": ("echo\nrm -rf /", r"$'echo\nrm -rf /'"),
    "a carriage return": ("rm -rf /\rls", r"$'rm -rf /\rls'"),
    "an escape sequence": ("\x1b[8mrm\x1b[0m", r"$'\x1b[8mrm\x1b[0m'"),
    "a change of direction": ("ls \u202erm", r"$'ls \u202erm'"),
    "an invisible character": ("r\u200bm", r"$'r\u200bm'"),
    "an odd space": ("rm\u00a0-rf", r"$'rm\u00a0-rf'"),
    "tags": ("ls\U000e0072", r"$'ls\U000e0072'"),
    "letters from right to left": ("a \u05d0 & b \u05d1", r"$'a \u05d0 & b \u05d1'"),
    "marks on other characters": ("l\u0336s", r"$'l\u0336s'"),
    "quotes": ("it's $'x'", "'it'\"'\"'s $'\"'\"'x'\"'\"''"),
    "quotes and a line end": ("'\\\n", r"$'\'\\\n'"),
    "nothing": ("größe=1", "'größe=1'"),
}


@pytest.mark.parametrize(("word", "shown"), HIDING.values(), ids=HIDING)
def test_nothing_hides_in_a_command(word: str, shown: str) -> None:
    assert command_line(["echo", word]) == f"echo {shown}"


WORDS = st.lists(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
    min_size=1,
    max_size=4,
)


@given(WORDS)
def test_a_command_is_one_line_of_characters_that_show(argv: list[str]) -> None:
    line = command_line(argv)
    assert line.isprintable()
    assert not any(unicodedata.combining(character) for character in line)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to read it with")
@given(WORDS)
def test_what_is_shown_is_what_runs(argv: list[str]) -> None:
    script = f"printf '%s\\0' {command_line(argv)}"
    read = subprocess.run(
        ["bash", "-c", script], env={"LC_ALL": "C.UTF-8"}, capture_output=True, check=True, timeout=20
    )
    assert read.stdout.decode().split("\0")[:-1] == argv
