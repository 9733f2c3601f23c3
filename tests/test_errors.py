"""Every error has a code that programs can rely on. `UPDATE_SNAPSHOTS=1` writes the page's table anew."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import akash_mcp
from akash_mcp.errors import (
    AkashError,
    ApiError,
    Interrupted,
    NotDelivered,
    OutcomeUnknown,
    RateLimited,
    Refused,
    ServerError,
    TakenOver,
)
from akash_mcp.guard.permits.close_permit import Unwound

PAGE = Path(__file__).parent.parent / "docs" / "errors.md"
OTHERS = "What has no code of its own: its sentence says what it is"


def tree(kind: type[AkashError] = AkashError) -> Iterator[type[AkashError]]:
    """All errors of the package, each before those that it is divided into."""
    yield kind
    for under in sorted(
        kind.__subclasses__(), key=lambda each: (each.__module__, inspect.getsourcelines(each)[1])
    ):
        if under.__module__.startswith("akash_mcp."):
            yield from tree(under)


@pytest.fixture(scope="module")
def errors() -> list[type[AkashError]]:
    for module in pkgutil.walk_packages(akash_mcp.__path__, "akash_mcp."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return list(dict.fromkeys(tree()))


def test_the_page_lists_every_code(errors: list[type[AkashError]]) -> None:
    rows = ["| code | retryable | when |", "|---|---|---|"]
    for kind in errors:
        if "code" in vars(kind):
            when = " ".join((kind.__doc__ or "").split()).split(". ")[0].rstrip(".")
            words = OTHERS if kind is AkashError else when
            rows.append(f"| `{kind.code}` | {'yes' if kind.retryable else 'no'} | {words} |")
    table = "\n".join(rows)
    text = PAGE.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        text = re.sub(r"(?s)(<!-- errors -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{table}\n{m[2]}", text)
        PAGE.write_text(text, encoding="utf-8")
    assert table in text


def test_two_kinds_of_error_never_share_a_code_by_accident(errors: list[type[AkashError]]) -> None:
    own = [kind.code for kind in errors if "code" in vars(kind)]
    assert len(own) == len(set(own))
    assert all(re.fullmatch(r"[a-z]+(?:_[a-z]+){0,2}", code) for code in own)


def test_every_kind_that_a_program_would_tell_apart_has_a_code_of_its_own(
    errors: list[type[AkashError]],
) -> None:
    direct = [kind for kind in errors if kind.__bases__[0] in (AkashError, Refused, ApiError)]
    assert [kind.__name__ for kind in direct if "code" not in vars(kind)] == []


@pytest.mark.parametrize("kind", [OutcomeUnknown, TakenOver, NotDelivered, Unwound])
def test_what_may_have_spent_is_never_retryable(kind: type[AkashError]) -> None:
    assert not kind.retryable


@pytest.mark.parametrize("kind", [Interrupted, RateLimited, ServerError])
def test_what_passes_by_itself_is_retryable(kind: type[AkashError]) -> None:
    assert kind.retryable


def test_one_refusal_may_know_better_than_its_class() -> None:
    assert Refused("No.", retryable=True).retryable
    assert not Refused("No.").retryable


def test_what_an_upstream_calls_its_error_is_not_the_code() -> None:
    refusal = ServerError("No.", status=500, upstream_code="provider_unreachable")
    assert (refusal.code, refusal.upstream_code) == ("server_error", "provider_unreachable")
