"""What keeps an install from running: each cause that Akua tells, its words in quotes, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from akash_mcp.clients.akua.models import Cluster, Install, InstallStatus, Operation, Render
from akash_mcp.workflow.akua.blockers import MOST, blockers
from akash_mcp.workflow.akua.install_view import InstallView


def view(**known: Any) -> InstallView:
    """An install of which nothing is known but this."""
    nothing: dict[str, Any] = {
        "install": Install.model_validate({"id": "inst_1"}),
        "status": None,
        "pods": None,
        "renders": None,
        "cluster": None,
        "operation": None,
        "problems": [],
    }
    return InstallView(**nothing | known)


def operation(**said: Any) -> Operation:
    return Operation.model_validate({"id": "op_1", "metadata": {"type": "install.create"}, **said})


STEP = {"name": "Approve plan", "status": "pending", "execution_type": "approval"}


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (
            {"cluster": Cluster.model_validate({"id": "clu_1", "state": "suspended"})},
            "Its cluster clu_1 is suspended.",
        ),
        (
            {"operation": operation(state="RUNNING", done=False, steps=[STEP])},
            'It waits for a person at Akua: step "Approve plan" of operation op_1.',
        ),
        (
            {"operation": operation(state="FAILED", done=True, error={"message": 'chart "x"\nnot found'})},
            "Its last install.create (op_1) did not succeed: \"chart 'x' not found\".",
        ),
        (
            {"operation": operation(state="CANCELLED", done=True)},
            "Its last install.create (op_1) did not succeed.",
        ),
        (
            {"renders": [Render.model_validate({"id": "rnd_1", "state": "failed", "message": "no values"})]},
            'Its last render rnd_1 failed: "no values".',
        ),
        (
            {
                "status": InstallStatus.model_validate(
                    {
                        "resources": [
                            {"kind": "Deployment", "name": "web", "health": {"status": "Degraded"}},
                        ]
                    }
                )
            },
            'Deployment "web" is Degraded.',
        ),
        (
            {
                "install": Install.model_validate(
                    {"id": "inst_1", "urls": [{"url": "https://a.b", "status": "failed", "error": "no DNS"}]}
                )
            },
            'Its address "https://a.b" does not work: "no DNS".',
        ),
    ],
)
def test_each_cause_is_told(known: dict[str, Any], said: str) -> None:
    assert blockers(view(**known)) == [said]


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"cluster": Cluster.model_validate({"id": "clu_1"})},
        {"operation": operation(state="RUNNING", steps=[{**STEP, "execution_type": "system"}])},
        {"operation": operation(state="RUNNING", steps=[{**STEP, "status": "completed"}])},
        {
            "renders": [
                Render.model_validate({"id": "rnd_2", "state": "deployed"}),
                Render.model_validate({"id": "rnd_1", "state": "failed"}),
            ]
        },
        {
            "status": InstallStatus.model_validate(
                {"resources": [{"kind": "ConfigMap"}, {"kind": "Pod", "health": {"status": "Progressing"}}]}
            )
        },
    ],
)
def test_what_is_not_told_is_not_called_a_cause(known: dict[str, Any]) -> None:
    assert blockers(view(**known)) == []


def test_there_are_never_many() -> None:
    resources = [{"kind": "Pod", "name": f"p{n}", "health": {"status": "Missing"}} for n in range(500)]
    found = blockers(view(status=InstallStatus.model_validate({"resources": resources})))
    assert len(found) == MOST
