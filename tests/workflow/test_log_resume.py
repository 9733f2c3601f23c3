"""A log that is read again shows each line once, or says that this cannot be known."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.workflow.logs.resume import WINDOW, Continuity, Position, Reading


@dataclass
class Reader:
    """Reads one pod's log over and over, from a provider that serves the last `tail` lines of it."""

    seen: list[str] = field(default_factory=list)
    position: Position | None = None

    def read(self, log: list[str], *, tail: int | None = None, heeds_tail: bool = True) -> Continuity:
        reading = Reading(self.position, tail)
        fresh: list[str] = []
        for line in log if tail is None or not heeds_tail else log[len(log) - min(tail, len(log)) :]:
            if reading.take(line):
                fresh.clear()
            else:
                fresh.append(line)
        continuity = reading.end(is_whole=True)
        if reading.read:
            self.position = reading.counted_from_start(reading.position())
        self.seen += fresh
        return continuity


def numbered(count: int, start: int = 0) -> list[str]:
    return [f"line {n}" for n in range(start, start + count)]


grown = st.lists(st.integers(0, 80), min_size=1, max_size=8)
tails = st.integers(WINDOW, 3 * WINDOW)


@given(grown, tails, st.booleans())
def test_each_line_of_a_growing_log_is_read_once_or_a_gap_is_reported(
    steps: list[int], tail: int, heeds_tail: bool
) -> None:
    reader, log = Reader(), list[str]()
    for step in steps:
        missed = not log or step > tail - WINDOW
        log += numbered(step, len(log))
        before = len(reader.seen)
        continuity = reader.read(log, tail=tail, heeds_tail=heeds_tail)
        if continuity is Continuity.EXACT:
            assert reader.seen[before:] == log[len(log) - step :]
        elif continuity is Continuity.GAP:
            assert missed
            assert heeds_tail
        else:
            assert continuity is Continuity.FIRST


@given(st.lists(st.lists(st.sampled_from("ab"), max_size=20), max_size=8))
def test_a_log_that_fits_is_exact_however_it_repeats(steps: list[list[str]]) -> None:
    reader, log = Reader(), list[str]()
    for step in steps:
        log += step
        assert reader.read(log, tail=200) in (Continuity.FIRST, Continuity.EXACT)
        assert reader.seen == log


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=60), max_size=6), tails)
def test_repeated_lines_are_rather_shown_twice_than_not_at_all(steps: list[list[str]], tail: int) -> None:
    reader, log = Reader(), list[str]()
    for step in steps:
        log += step
        place, before = len(log) - len(step), len(reader.seen)
        came_again = place >= WINDOW and any(
            log[end - WINDOW : end] == log[place - WINDOW : place] for end in range(place + 1, len(log) + 1)
        )
        continuity = reader.read(log, tail=tail)
        new = reader.seen[before:]
        if continuity is Continuity.FIRST:
            assert new == log[-tail:]
        elif continuity is Continuity.EXACT and not came_again:
            assert new == step
        elif continuity is Continuity.REPEATING and len(step) <= tail - WINDOW:
            assert new[len(new) - len(step) :] == step


@given(st.integers(0, 120), st.integers(0, 120), st.integers(0, 120), tails)
def test_a_restarted_log_is_read_from_its_first_line_or_a_gap_is_reported(
    old: int, unread: int, new: int, tail: int
) -> None:
    reader = Reader()
    reader.read(numbered(old), tail=tail)
    before = len(reader.seen)
    log = [f"again {n}" for n in range(new)]
    continuity = reader.read(log, tail=tail)
    if continuity is Continuity.RESTARTED:
        assert reader.seen[before:] == log
    elif continuity is Continuity.GAP:
        assert new == tail or new > tail
    else:
        assert continuity is Continuity.FIRST
        assert old == 0
    assert reader.read([*log, *numbered(unread, 1000)], tail=10_000) in (
        Continuity.FIRST,
        Continuity.EXACT,
        Continuity.RESTARTED,
    )


def test_lines_that_were_lost_to_the_tail_are_a_gap() -> None:
    reader = Reader()
    reader.read(numbered(500), tail=100)
    assert reader.read(numbered(700), tail=100) is Continuity.GAP
    assert reader.seen[-100:] == numbered(100, 600)


def test_a_log_of_one_line_over_and_over_is_reported_as_repeating() -> None:
    reader = Reader()
    reader.read(["tick"] * 500, tail=100)
    assert reader.read(["tick"] * 510, tail=100) is Continuity.REPEATING


def test_a_log_of_one_line_is_exact_while_it_can_be_counted() -> None:
    reader = Reader()
    reader.read(["tick"] * 40, tail=100)
    assert reader.read(["tick"] * 55, tail=1000) is Continuity.EXACT
    assert reader.seen == ["tick"] * 55


def test_a_restart_that_begins_with_other_lines_loses_none_of_them() -> None:
    reader = Reader()
    reader.read(["ready"], tail=100)
    assert reader.read(["loading", "ready", "served"], tail=100) is Continuity.RESTARTED
    assert reader.seen == ["ready", "loading", "ready", "served"]


def test_a_log_that_was_cut_at_its_front_continues_exactly() -> None:
    reader = Reader()
    reader.read(numbered(100), tail=200)
    assert reader.read(numbered(60, 50), tail=200) is Continuity.EXACT
    assert reader.seen == numbered(110)


@pytest.mark.parametrize("lines", [1, WINDOW - 1, WINDOW, WINDOW + 1])
def test_a_log_without_new_lines_shows_none(lines: int) -> None:
    reader = Reader()
    reader.read(numbered(lines), tail=WINDOW + 1)
    assert reader.read(numbered(lines), tail=500) is Continuity.EXACT
    assert reader.seen == numbered(lines)


def test_only_the_start_of_long_lines_is_kept() -> None:
    reading = Reading(None, None)
    for n in range(WINDOW):
        reading.take(f"{n}" + "x" * 2**20)
    assert sum(map(len, reading._window)) < 2**14
