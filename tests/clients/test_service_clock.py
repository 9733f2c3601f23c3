"""The time at a service, as its answers tell it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_servers import Act, Server, Time, reply

from akash_mcp.clients.http import Upstream
from akash_mcp.clients.retries import Deadline, Sending
from akash_mcp.clients.service_clock import LONGEST_AGREEMENT, ServiceClock, elapsed
from akash_mcp.errors import NotFound

TOLD = 1_796_000_000.0
DATE = "Mon, 30 Nov 2026 00:53:20 GMT"
"""The same, in a header."""

seconds = st.floats(0, 40)


@given(st.lists(st.tuples(seconds, st.floats(0, 1.99), seconds, st.floats(0, 7200)), min_size=1))
def test_while_its_dates_are_true_it_is_always_between_the_two_moments(
    answers: list[tuple[float, float, float, float]],
) -> None:
    """Whatever requests and answers take, whatever the header's whole seconds and its laziness hide."""
    now = [0.0]
    clock = ServiceClock(lambda: now[0])
    for to_the_service, kept, back, until_the_next in answers:
        sent = now[0]
        now[0] += to_the_service
        date = float(int(TOLD + now[0] - kept))
        now[0] += back
        clock.hear(date, sent=sent)
        for _ in range(2):
            between = clock.between()
            assert between is not None
            assert between[0] <= TOLD + now[0] <= between[1]
            now[0] += until_the_next


def test_several_answers_narrow_it_down() -> None:
    now = [0.0]
    clock = ServiceClock(lambda: now[0])
    clock.hear(TOLD, sent=-30.0)
    clock.hear(TOLD, sent=0.0)
    assert clock.between() == (TOLD, TOLD + 3)
    now[0] = 0.5
    clock.hear(TOLD, sent=-30.0)
    assert clock.between() == (TOLD + 0.5, TOLD + 3.5)


def test_a_service_that_set_its_clock_is_believed_anew() -> None:
    now = [0.0]
    clock = ServiceClock(lambda: now[0])
    clock.hear(TOLD, sent=0.0)
    clock.hear(TOLD - 7200, sent=0.0)
    assert clock.between() == (TOLD - 7200, TOLD - 7197)


def test_what_was_heard_long_ago_narrows_nothing_down() -> None:
    """A second an hour is what this machine may be wrong by."""
    now = [0.0]
    clock = ServiceClock(lambda: now[0])
    clock.hear(TOLD, sent=0.0)
    now[0] = LONGEST_AGREEMENT + 1
    clock.hear(TOLD + now[0] - 2, sent=now[0])
    assert clock.between() == (TOLD + now[0] - 2, TOLD + now[0] + 1)


def test_nothing_heard_is_no_time() -> None:
    assert ServiceClock(elapsed).between() is None


@pytest.mark.anyio
@pytest.mark.parametrize("status", [200, 404])
async def test_every_answer_tells_it(status: int) -> None:
    time = Time()
    between = await told(reply(status, {}, date=DATE), time)
    assert between == (TOLD, TOLD + 3)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers", [{}, {"date": "yesterday"}, {"date": DATE, "age": "7"}, {"date": DATE, "age": "0"}]
)
async def test_an_answer_without_a_date_or_from_a_cache_does_not(headers: dict[str, str]) -> None:
    assert await told(reply(200, {}, **headers), Time()) is None


async def told(act: Act, time: Time) -> tuple[float, float] | None:
    """What a service that answers so has told of its time."""
    async with (
        Server(act) as server,
        Upstream(server.url, name="The API", sleep=time.sleep, monotonic=time) as api,
    ):
        with suppress(NotFound):
            await api.send("GET", "/", sending=Sending.READ, deadline=Deadline(read=5, total=9))
        return api.clock.between()
