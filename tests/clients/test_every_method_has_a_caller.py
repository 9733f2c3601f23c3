"""Every method of a client is called by a tool, a workflow, the guard or a command, or waits for a planned toolset.

Found in the syntax trees of `akash_mcp`: from every room but `clients` and `sandbox`, along the calls within `clients`.
Calls are told by name alone, so a method may be taken for called that is not, but never the other way.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from console_api_page import planned_methods

PACKAGE = Path(__file__).parents[2] / "akash_mcp"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Method:
    owner: str
    name: str
    is_property: bool
    body: Function


def trees(*, clients: bool) -> Iterator[ast.Module]:
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0]
        if room != "sandbox" and (room == "clients") is clients:
            yield ast.parse(path.read_text(encoding="utf-8"))


def called_in(nodes: Iterable[ast.AST]) -> set[str]:
    """The names of methods that are called here, or made a `partial` of."""
    calls = [each for node in nodes for each in ast.walk(node) if isinstance(each, ast.Call)]
    partials = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "partial"]
    called = [call.func for call in calls] + [call.args[0] for call in partials]
    return {each.attr for each in called if isinstance(each, ast.Attribute)}


def read_in(nodes: Iterable[ast.AST]) -> set[str]:
    return {each.attr for node in nodes for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def methods() -> Iterator[Method]:
    """The methods of the classes that ask somebody: those that have a public method to await."""
    for tree in trees(clients=True):
        for owner in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
            own = [node for node in owner.body if isinstance(node, Function)]
            if any(isinstance(each, ast.AsyncFunctionDef) and each.name[0] != "_" for each in own):
                for each in own:
                    marks = {mark.id for mark in each.decorator_list if isinstance(mark, ast.Name)}
                    yield Method(owner.name, each.name, "property" in marks, each)


def reached(start: Iterable[ast.AST], candidates: set[Method]) -> set[Method]:
    """Those of the candidates that are called from `start`, at once or by way of others of them."""
    found: set[Method] = set()
    nodes: list[ast.AST] = list(start)
    while nodes:
        called, read = called_in(nodes), read_in(nodes)
        news = {m for m in candidates - found if m.name in (read if m.is_property else called)}
        found |= news
        nodes = [method.body for method in news]
    return found


def uncalled() -> set[Method]:
    """The public methods that nothing outside the clients leads to, and no other of them either."""
    candidates = {method for method in methods() if not method.name.startswith("__")}
    beside = [
        node for tree in trees(clients=True) for node in tree.body if not isinstance(node, ast.ClassDef)
    ]
    made = [method.body for method in methods() if method.name.startswith("__")]
    waiting = candidates - reached([*trees(clients=False), *beside, *made], candidates)
    return {
        method
        for method in waiting
        if not method.name.startswith("_")
        and method not in reached([other.body for other in waiting - {method}], {method})
    }


def test_what_nothing_calls_waits_for_a_planned_toolset() -> None:
    assert {method.name for method in uncalled()} == planned_methods()


def test_a_call_is_told_from_a_mention() -> None:
    tree = ast.parse("a.called(); partial(b.handed_on, 1); c.mentioned; d = e.kept")
    assert called_in([tree]) == {"called", "handed_on"}


def test_the_methods_of_all_clients_are_looked_at() -> None:
    names = {method.name for method in methods()}
    assert {"list_deployments", "create_lease", "certificates", "lease_status", "run", "keep"} <= names
