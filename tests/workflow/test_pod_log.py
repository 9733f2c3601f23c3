"""Which lines of a pod's log are kept for an answer, however much is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.sanitize.secrets import known
from akash_mcp.workflow.logs.pod_log import LINE_BYTES, ROOM_BYTES, PodLog, share_out
from akash_mcp.workflow.logs.resume import Continuity, Position

TAIL = 2_000

lengths = st.lists(st.integers(0, 3_000), max_size=60)


def read(
    lines: list[str],
    *,
    position: Position | None = None,
    tail: int = TAIL,
    page: bool = False,
    needle: str | None = None,
    most: int | None = None,
) -> PodLog:
    log = PodLog("web", "web-0", position, oldest=page, needle=needle, most=most)
    log.begin(tail)
    for line in lines[-tail:]:
        log.take(line)
    log.end(is_whole=True)
    return log


def texts(log: PodLog) -> list[str]:
    return [line.text for line in log.buffer.lines]


@given(lengths, st.integers(1, 20))
def test_pages_show_every_line_once(sizes: list[int], others: int) -> None:
    lines = [f"{number} " + "x" * size for number, size in enumerate(sizes)]
    log = read([])
    position, seen, last = log.position, list[str](), -1
    while len(seen) != last:
        last = len(seen)
        log = read(lines, position=position, page=True)
        share_out([log, *(read(["x" * 1_000] * 50, page=True) for _ in range(others))])
        seen += texts(log)
        position = log.position
    assert seen == lines


@given(st.lists(lengths, max_size=10), st.booleans())
def test_an_answer_stays_within_its_bytes_and_shows_every_pod(pods: list[list[int]], page: bool) -> None:
    logs = [read(["x" * size for size in sizes], page=page) for sizes in pods]
    share_out(logs)
    assert sum(log.buffer.size for log in logs) <= ROOM_BYTES + len(logs) * (LINE_BYTES + 100)
    assert all(bool(log.buffer.lines) == bool(sizes) for log, sizes in zip(logs, pods, strict=True))


@given(lengths)
def test_without_a_cursor_the_newest_are_kept(sizes: list[int]) -> None:
    lines = [f"{number} " + "x" * size for number, size in enumerate(sizes)]
    log = read(lines)
    assert texts(log) == lines[len(lines) - len(texts(log)) :]


def test_a_pod_that_says_little_is_shown_whole_beside_one_that_says_much() -> None:
    much, little = read(["x" * 100] * 500), read(["one", "two"])
    share_out([much, little])
    assert texts(little) == ["one", "two"]
    assert much.buffer.size <= ROOM_BYTES
    assert much.buffer.size > ROOM_BYTES * 0.9


def test_no_more_lines_than_asked_for_are_kept() -> None:
    log = PodLog("web", "web-0", None, oldest=False, needle=None, most=3)
    log.begin(3)
    for number in range(100_000):
        log.take(str(number))
    log.end(is_whole=True)
    assert texts(log) == ["99997", "99998", "99999"]
    assert (log.searched, log.matched) == (100_000, 100_000)


def test_a_search_counts_what_it_finds_and_ignores_case() -> None:
    lines = [f"line {number} {'ERROR' if number % 1_000 == 7 else 'fine'}" for number in range(50_000)]
    log = read(lines, tail=100_000, needle="error")
    assert (log.searched, log.matched) == (50_000, 50)
    assert texts(log)[-1] == "line 49007 ERROR"


def test_a_page_of_a_search_continues_behind_its_last_match() -> None:
    lines = [f"{number} " + ("find" if number % 2 else "skip") + "x" * 500 for number in range(100)]
    first = read(lines, position=None, page=True, needle="find")
    second = read(lines, position=first.position, page=True, needle="find")
    assert texts(second)[0].split()[0] == str(int(texts(first)[-1].split()[0]) + 2)
    assert second.searched == 100 - 1 - int(texts(first)[-1].split()[0])


def test_lines_of_a_reopened_stream_are_added_once() -> None:
    log = PodLog("web", "web-0", None, oldest=False, needle=None, most=None)
    for upto in (50, 50, 120):
        log.begin(TAIL)
        for number in range(upto):
            log.take(f"line {number}")
        log.end(is_whole=True)
    assert texts(log) == [f"line {number}" for number in range(120)]
    assert log.continuities == {Continuity.FIRST, Continuity.EXACT}
    assert log.matched == 120


def test_a_stream_that_stops_before_the_earlier_position_changes_nothing() -> None:
    first = read([f"line {number}" for number in range(100)])
    log = PodLog("web", "web-0", first.position, oldest=True, needle=None, most=None)
    for upto, is_whole in ((60, False), (103, True)):
        log.begin(TAIL)
        for number in range(upto):
            log.take(f"line {number}")
        log.end(is_whole=is_whole)
    assert texts(log) == ["line 100", "line 101", "line 102"]
    assert log.continuities == {Continuity.EXACT}


def test_a_long_line_takes_little_memory() -> None:
    log = read(["x" * 2**20] * 40)
    assert sum(map(len, texts(log))) < 100_000
    assert log.buffer.lines[0].length == 2**20


@pytest.mark.parametrize("line", ["PASSWORD=Hunter-2-of-seven", "connected as hunter-2-of-SEVEN"])
def test_a_search_finds_nothing_in_a_secret_so_none_can_be_guessed_letter_by_letter(line: str) -> None:
    known.remember("Hunter-2-of-seven", "DB")
    known.remember("hunter-2-of-SEVEN", "OTHER")
    try:
        assert read([line], needle=line[:6]).matched == 1
        assert read([line], needle="hunter-2").matched == 0
        assert read([line], needle="of-seven").matched == 0
    finally:
        known.forget("Hunter-2-of-seven")
        known.forget("hunter-2-of-SEVEN")


def test_a_coloured_line_is_not_cut_inside_a_secret() -> None:
    known.remember("a secret of twenty characters", "DB")
    try:
        line = "\x1b[0m" * 1_900 + "x" * 390 + "a secret of twenty characters"
        assert texts(read([line])) == ["x" * 390 + "[secret DB]"]
    finally:
        known.forget("a secret of twenty characters")
