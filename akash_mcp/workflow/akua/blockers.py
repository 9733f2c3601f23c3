"""What keeps an install from running, as far as Akua tells it: a sentence each, the most likely cause first.

Whatever Akua, Kubernetes or the package wrote stands in quotes.
"""

from __future__ import annotations

from collections.abc import Iterator

from akash_mcp.clients.akua.models import Operation, StatusResource
from akash_mcp.sanitize.text import field, quoted
from akash_mcp.workflow.akua.install_view import InstallView

MOST = 8
_MESSAGE_BYTES = 240

_BAD = frozenset({"degraded", "missing"})
_FOR_A_PERSON = frozenset({"user", "approval"})
_OPEN_STEPS = frozenset({"pending", "running"})


def blockers(view: InstallView) -> list[str]:
    """At most `MOST` of them. None where nothing is known to be wrong, which does not mean that all is well."""
    found = list(dict.fromkeys(_all(view)))
    return found[:MOST]


def _all(view: InstallView) -> Iterator[str]:
    cluster = view.cluster
    if cluster and cluster.state and cluster.state.lower() != "active":
        yield f"Its cluster {field(cluster.id, 80)} is {field(cluster.state, 40)}."
    if view.operation is not None:
        yield from _of_operation(view.operation)
    newest = view.renders[0] if view.renders else None
    if newest is not None and (newest.state or "").lower() == "failed":
        yield f"Its last render {field(newest.id, 80)} failed{_because(newest.message)}."
    for resource in bad_resources(view):
        told = resource.health.message if resource.health else None
        yield (
            f"{field(resource.kind, 60)} {quoted(resource.name)} is {health_of(resource)}"
            f"{_because(told or resource.message)}."
        )
    for url in view.install.urls or ():
        if url.error or (url.status or "").lower() == "failed":
            yield f"Its address {quoted(url.url or url.hostname)} does not work{_because(url.error)}."


def _of_operation(operation: Operation) -> Iterator[str]:
    if not operation.is_over:
        for step in waiting_for_person(operation):
            yield f"It waits for a person at Akua: step {quoted(step)} of operation {field(operation.id, 80)}."
    elif not operation.succeeded:
        kind = field(operation.kind, 60) or "operation"
        yield f"Its last {kind} ({field(operation.id, 80)}) did not succeed{_because(operation.failure)}."


def waiting_for_person(operation: Operation) -> list[str]:
    """The names of the steps of an operation that go on only once a person did something."""
    return [
        step.name or "without a name"
        for step in operation.steps or ()
        if (step.execution_type or "").lower() in _FOR_A_PERSON and (step.status or "").lower() in _OPEN_STEPS
    ]


def bad_resources(view: InstallView) -> list[StatusResource]:
    """The resources that are known not to work."""
    resources = view.status.resources if view.status else None
    return [each for each in resources or () if health_of(each).lower() in _BAD]


def health_of(resource: StatusResource) -> str:
    """What is said of a resource's health, "" where nothing is: many kinds have none."""
    return field(resource.health.status if resource.health else None, 40)


def _because(message: str | None) -> str:
    return f": {quoted(message, _MESSAGE_BYTES)}" if message else ""
