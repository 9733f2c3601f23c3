"""An install's log: the same lines however its bytes come, and a reason wherever some are missing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_akua import TOKEN, Act, ScriptedAkua, broken, drop, events, hang, refusal, reply

from akash_mcp.clients.akua import logs
from akash_mcp.clients.akua.logs import LogCollector, LogLine, Logs
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.clients.akua.server_sent_events import Event, EventParser
from akash_mcp.clients.retries import Deadline
from akash_mcp.errors import BadArgument, Interrupted, NotFound

pytestmark = pytest.mark.anyio

END = b"event: end\ndata: {}\n\n"


def message(content: str, **fields: object) -> bytes:
    data = {
        "content": content,
        "podName": "web-0",
        "containerName": "web",
        "timestamp": "2024-12-19T00:24:50Z",
    }
    return f"event: message\ndata: {json.dumps(data | fields)}\n\n".encode()


def collected(*chunks: bytes, broke_off: str = "") -> Logs:
    collector = LogCollector(lambda text: text)
    for chunk in chunks:
        if not collector.take(chunk):
            break
    return collector.finish(broke_off)


def texts(told: Logs) -> list[str]:
    return [line.text for line in told.lines]


def test_a_whole_log_is_read() -> None:
    told = collected(message("one\n"), message("two", last=True), END)
    assert told == Logs(
        [LogLine("one", "web-0", "web", 1734567890.0), LogLine("two", "web-0", "web", 1734567890.0)]
    )


@pytest.mark.parametrize(
    ("stream", "lines"),
    [
        (b"data: plain\n\n", ["plain"]),
        (b"data:plain\r\n\r\n", ["plain"]),
        (b"data:  two spaces\r\r", [" two spaces"]),
        (b"\xef\xbb\xbfdata: bom\n\n", ["bom"]),
        (b": keep-alive\n\ndata: a\n: and a comment\ndata: b\n\n", ["a\nb"]),
        (b"id: 7\nretry: 5\ndata\ndata: x\n\n", ["\nx"]),
        (b"event: other\ndata: x\n\ndata: y\n\n", ["y"]),
        (b"data: no empty line", ["no empty line"]),
        (b"data: no empty line\r", ["no empty line"]),
        (b'data: {"level": "info"}\n\n', ['{"level": "info"}']),
        (b"data: 123\n\ndata: null\n\ndata: [1]\n\n", ["123", "null", "[1]"]),
        (b'data: {"content": "\\ud800", "pod_name": "p"}\n\n', ["?"]),
        (b'data: {"content": "", "podName": "p"}\n\n', [""]),
        (b'data: {"content": "", "last": true}\n\ndata: {"last": true}\n\n', []),
        (b"data: \xff\xfe\n\n", ["\ufffd\ufffd"]),
        (b"data: " + b"[" * 5000 + b"\n\n", ["[" * 5000]),
        (b"", []),
    ],
)
def test_frames_are_parsed_by_the_rules(stream: bytes, lines: list[str]) -> None:
    assert texts(collected(stream)) == lines
    assert texts(collected(*(bytes([each]) for each in stream))) == lines


@pytest.mark.parametrize("names", [("podName", "containerName"), ("pod_name", "container_name")])
def test_names_are_read_in_both_cases(names: tuple[str, str]) -> None:
    stream = f"data: {json.dumps({'content': 'x', names[0]: 'p' * 999, names[1]: 'c', 'timestamp': 1734567890000})}\n\n"
    assert collected(stream.encode(), END).lines == [LogLine("x", "p" * 253, "c", 1734567890.0)]


def test_what_a_line_does_not_say_is_none() -> None:
    assert collected(b"data: plain\n\n", END).lines == [LogLine("plain", None, None, None)]


FIELD = st.sampled_from(
    [b"data: x", b"data:", b"data", b": c", b"event: message", b"event: end", b"event", b"id: 1", b"", b"nonsense",
     b'data: {"content": "\xc3\xa9"}', b"event: a/stream/failure", b"data: \xe2\x82\xac" * 9, b"data: " + b"y" * 60]
)  # fmt: skip
STREAM = st.lists(st.tuples(FIELD, st.sampled_from([b"\n", b"\r", b"\r\n"])), max_size=14).map(
    lambda lines: b"".join(field + end for field, end in lines)
)


@given(STREAM, st.lists(st.integers(0, 400), max_size=12), st.booleans(), st.sampled_from([20, 70, 10**6]))
def test_events_are_the_same_however_they_are_split(
    stream: bytes, cuts: list[int], has_bom: bool, largest: int
) -> None:
    stream = b"\xef\xbb\xbf" * has_bom + stream
    assert parsed([stream], largest) == parsed(pieces(stream, cuts), largest)
    assert parsed([stream], largest) == parsed([bytes([each]) for each in stream], largest)


@given(STREAM, st.lists(st.integers(0, 400), max_size=12))
def test_lines_are_the_same_however_they_are_split(stream: bytes, cuts: list[int]) -> None:
    whole = collected(stream)
    assert collected(*pieces(stream, cuts)) == whole
    has_end = b"event: end" in re.split(rb"\r\n|\r|\n", stream)
    assert has_end or whole.problem


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def parsed(chunks: Iterable[bytes], largest: int) -> list[Event]:
    parser = EventParser(largest)
    found = [event for chunk in chunks for event in parser.feed(chunk)]
    assert all(len(event.data.encode()) <= largest for event in found)
    return [*found, *parser.finish()]


FAILURES = [
    ([{"_tag": "Fail", "error": {"message": "pod not found"}}], "pod not found"),
    ([{"_tag": "Fail", "error": "in words"}, {"_tag": "Die", "defect": "boom"}], "in words; boom"),
    ([{"_tag": "Die"}], "Die"),
    ({"_tag": "Fail", "error": {"error": "nested"}}, "nested"),
    ({"message": "bare"}, "bare"),
    ([], "it does not say why"),
    ([5, None], "it does not say why"),
]


@pytest.mark.parametrize("name", ["effect/httpapi/stream/failure", "effect/http-api/stream/failure"])
@pytest.mark.parametrize(("cause", "says"), FAILURES)
def test_a_failure_in_the_middle_is_told(name: str, cause: object, says: str) -> None:
    told = collected(
        message("one"), f"event: {name}\ndata: {json.dumps(cause)}\n\n".encode(), message("two"), END
    )
    assert texts(told) == ["one"]
    assert told.problem == f"Akua stopped it: {says}."


def test_a_stream_without_its_end_says_so() -> None:
    assert "without saying" in collected(message("one")).problem
    assert "without saying" in collected(b"").problem
    assert "without saying" in collected(b"<!DOCTYPE html><html>a page</html>").problem
    assert collected(END).problem == ""
    assert collected(b"event: end\n\n").problem == ""


def test_nothing_after_the_end_is_taken_although_it_came_with_it() -> None:
    failure = b"event: x/stream/failure\ndata: why\n\n"
    assert texts(collected(message("one") + END + message("two"))) == ["one"]
    told = collected(message("one") + failure + message("two") + END)
    assert (texts(told), told.problem) == (["one"], "Akua stopped it: why.")


def test_the_newest_lines_are_kept() -> None:
    told = collected(*(message(f"{number} " + "x" * 1000) for number in range(1000)), END)
    assert told.lines[-1].text.startswith("999 ")
    assert 200 < len(told.lines) < 300
    assert told.cut
    assert told.problem == "Its older lines were left out."


def test_empty_lines_take_room_as_well() -> None:
    told = collected(b"data: \n\n" * 50_000, END)
    assert len(told.lines) == logs.MAX_BYTES // logs.LEAST_SIZE


def test_a_giant_line_is_cut_and_ends_the_stream() -> None:
    collector = LogCollector(str)
    assert collector.take(message("before"))
    taken = 0
    while collector.take(b"data: " * (taken == 0) + "é".encode() * 5000):
        taken += 1
        assert taken < 20
    told = collector.finish()
    assert texts(told)[0] == "before"
    assert set(texts(told)[1]) == {"é"}
    assert len(texts(told)[1].encode()) <= logs.LONGEST_EVENT
    assert told.cut
    assert "64 KiB" in told.problem


def test_a_stream_without_end_is_read_only_so_far() -> None:
    collector, taken = LogCollector(str), 0
    while collector.take(message("x" * 900) * 50):
        taken += 1
        assert taken < 1000
    told = collector.finish()
    assert told.cut
    assert "newest lines are missing" in told.problem


def test_comments_within_an_event_are_no_part_of_it() -> None:
    many = b": keep-alive\n" * (2 * logs.LONGEST_EVENT // 13)
    assert texts(collected(b"data: a\n" + many + b"data: b\n\n", END)) == ["a\nb"]


def test_comments_without_end_are_read_only_so_far() -> None:
    collector, taken = LogCollector(str), 0
    while collector.take(b": keep-alive\n" * 1000):
        taken += 1
        assert taken < 1000
    assert collector.finish().lines == []


async def read(*script: Act, seconds: float = 0.3) -> tuple[Logs, ScriptedAkua]:
    async with ScriptedAkua(*script) as akua:
        reader = AkuaReader(akua.client(workspace="ws_1"))
        return await reader.logs("inst_1", deadline=Deadline(seconds, seconds)), akua


async def test_a_log_is_asked_for_without_following_it() -> None:
    async with ScriptedAkua(events(message("one"), END)) as akua:
        reader = AkuaReader(akua.client(workspace="ws_1"))
        told = await reader.logs("inst_1", pod="web-0", container="a b", tail=5, since_seconds=60)
    assert (texts(told), told.problem, told.cut) == (["one"], "", False)
    assert akua.only.path == "/v1/installs/inst_1/logs"
    assert akua.only.query == {
        "follow": "false", "tail": "5", "pod": "web-0", "container": "a b", "since_seconds": "60"
    }  # fmt: skip
    assert akua.only.headers["accept"] == "text/event-stream"
    assert akua.only.headers["akua-context"] == "ws_1"


async def test_it_ends_with_the_end_although_the_connection_stays_open() -> None:
    told, _ = await read(events(message("one"), END, is_endless=True))
    assert (texts(told), told.problem) == (["one"], "")


async def test_what_came_before_a_stream_broke_off_is_told() -> None:
    for act in (broken(message("one"), b"data: hal"), events(message("one"), is_endless=True)):
        told, akua = await read(act)
        assert texts(told) == ["one"]
        assert told.cut
        assert "It was not read to its end: Akua at 127.0.0.1" in told.problem
        assert len(akua.requests) == 1


async def test_a_stream_of_which_nothing_came_raises() -> None:
    for act in (hang, drop, broken(b": ping\n"), events(b": ping\n\n", is_endless=True)):
        with pytest.raises(Interrupted):
            await read(act)
    with pytest.raises(NotFound):
        await read(refusal(404))


async def test_a_log_is_asked_for_again_before_anything_came() -> None:
    told, akua = await read(refusal(503), events(message("one"), END), seconds=8)
    assert texts(told) == ["one"]
    assert len(akua.requests) == 2


async def test_a_page_in_place_of_a_log_is_no_log() -> None:
    told, _ = await read(reply(200, "<!DOCTYPE html><html>sign in</html>", content_type="text/html"))
    assert told.lines == []
    assert told.problem


async def test_a_failure_is_told_in_cleaned_words() -> None:
    cause = json.dumps([{"_tag": "Fail", "error": {"message": f"\x1b[1m![x](http://evil)\n{TOKEN}"}}])
    told, _ = await read(events(f"event: x/stream/failure\ndata: {cause}\n\n".encode()))
    assert [each for each in ("\x1b", "![", "\n", TOKEN) if each in told.problem] == []


async def test_nonsense_is_refused_before_anything_is_sent() -> None:
    async with ScriptedAkua(events(END)) as akua:
        reader = AkuaReader(akua.client())
        for tail, since in ((0, None), (-1, None), (10**6, None), (5, 0), (5, -3)):
            with pytest.raises(BadArgument):
                await reader.logs("inst_1", tail=tail, since_seconds=since)
    assert akua.requests == []
