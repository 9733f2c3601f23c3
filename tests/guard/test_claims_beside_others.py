"""A run that ends by itself is taken up again only once nobody else has its deployment in hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_claims import DSEQ, Worker, op

from akash_mcp.guard.books.holds import Claimed
from akash_mcp.guard.books.journal import Kind, Sources, State
from akash_mcp.guard.books.store import HOLD_SECONDS


@pytest.mark.parametrize("kind", [Kind.UPDATE, Kind.FUND, Kind.CLOSE])
def test_a_run_is_not_waited_for_again_while_another_operation_has_its_deployment(
    kind: Kind, tmp_path: Path
) -> None:
    clock = [1_763_759_000.0]
    old, new = Worker(tmp_path, clock), Worker(tmp_path, clock)
    old.journal.open_operation(op(1), Kind.LAUNCH, "a job", until="exit:web")
    old.journal.created(op(1), DSEQ, Sources("sdl", "[]", None))
    old.journal.advance(op(1), State.LEASED)
    old.open(2, DSEQ, kind)
    assert new.holds.claim() is None
    old.journal.advance(op(2), State.DONE)
    assert new.holds.claim() == Claimed(op(1), 3)


def test_of_two_that_were_left_at_one_deployment_the_later_is_brought_to_its_end_first(
    tmp_path: Path,
) -> None:
    clock = [1_763_759_000.0]
    old, new = Worker(tmp_path, clock), Worker(tmp_path, clock)
    old.journal.open_operation(op(1), Kind.LAUNCH, "a job", until="exit:web")
    old.journal.created(op(1), DSEQ, Sources("sdl", "[]", None))
    old.journal.advance(op(1), State.LEASED)
    old.open(2, DSEQ, Kind.UPDATE)
    clock[0] += HOLD_SECONDS
    assert new.claims() == [op(2)]
    new.journal.advance(op(2), State.DONE)
    assert new.claims() == [op(1)]
