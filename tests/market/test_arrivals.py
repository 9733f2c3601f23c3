"""When what came is enough, and what is said of the bids that did not."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from akash_mcp.market.arrivals import PLENTY, Arrivals, BidTimes
from akash_mcp.market.ranking import Prefer

TIMES = BidTimes(come=32.0, settle=8.0)
SECONDS = st.floats(0, 400)
PREFERENCES: st.SearchStrategy[Prefer] = st.sampled_from(("balanced", "cheapest", "reliable"))
ARRIVALS = st.builds(
    Arrivals,
    bidders=st.integers(0, 20),
    order_age=SECONDS,
    quiet=st.none() | SECONDS,
    possible=st.none() | st.integers(0, 20),
)


def arrivals(age: float, quiet: float, bidders: int = 3, possible: int | None = None) -> Arrivals:
    return Arrivals(bidders=bidders, order_age=age, quiet=quiet, possible=possible)


def test_more_bids_may_come_for_half_a_minute_and_soon_after_the_newest() -> None:
    assert arrivals(31, 20).may_go_on(TIMES)
    assert not arrivals(32, 20).may_go_on(TIMES)
    assert arrivals(60, 7).may_go_on(TIMES)
    assert not arrivals(1, 0, bidders=6, possible=6).may_go_on(TIMES)


def test_the_cheapest_is_waited_for_when_the_others_are_not() -> None:
    calm = arrivals(14, 9)
    assert calm.is_enough("balanced", TIMES, settled=9, fewest=1)
    assert calm.is_enough("reliable", TIMES, settled=9, fewest=1)
    assert not calm.is_enough("cheapest", TIMES, settled=9, fewest=20)
    assert arrivals(33, 9).is_enough("cheapest", TIMES, settled=29, fewest=1)


def test_who_could_bid_by_what_is_known_ends_no_wait_for_the_cheapest() -> None:
    all_of_them = arrivals(5, 0, bidders=6, possible=6)
    assert all_of_them.is_enough("balanced", TIMES, settled=0, fewest=1)
    assert not all_of_them.is_enough("cheapest", TIMES, settled=0, fewest=1)


def test_a_bid_that_comes_soon_after_another_is_waited_for_too() -> None:
    assert not arrivals(14, 2).is_enough("balanced", TIMES, settled=10, fewest=PLENTY - 1)
    assert arrivals(14, 2).is_enough("balanced", TIMES, settled=10, fewest=PLENTY)
    assert arrivals(33, 2).is_enough("balanced", TIMES, settled=10, fewest=1)


def test_what_may_have_been_missed_is_said() -> None:
    assert arrivals(14, 9).missed(TIMES) == (
        "3 bids had come when it was chosen, and more could come: a better one may have been missed."
    )
    assert arrivals(40, 9, bidders=1).missed(TIMES) == (
        "1 bid had come when it was chosen, and no more were expected."
    )
    assert arrivals(14, 9, possible=6).missed(TIMES) == (
        "3 bids had come when it was chosen, of 6 that can: up to 3 may have been missed."
    )


@given(ARRIVALS, st.floats(0, 400), st.integers(1, 20))
def test_the_cheapest_is_never_chosen_before_the_others_would_be(
    seen: Arrivals, settled: float, fewest: int
) -> None:
    if seen.is_enough("cheapest", TIMES, settled=settled, fewest=fewest):
        assert not seen.may_go_on(TIMES)
        assert seen.is_enough("balanced", TIMES, settled=settled, fewest=fewest)


@given(ARRIVALS, PREFERENCES, st.floats(0, 400), st.integers(1, 20))
def test_once_nothing_has_come_for_long_nobody_waits(
    seen: Arrivals, prefer: Prefer, settled: float, fewest: int
) -> None:
    assume(seen.order_age >= TIMES.come)
    assume(seen.quiet is None or seen.quiet >= TIMES.settle)
    assert seen.is_enough(prefer, TIMES, settled=settled, fewest=fewest)
