"""A log that is read over and over: a new one is told from one that was cut short or rotated."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.clients.provider.log_frames import LogLine
from akash_mcp.workflow.jobs.job_log import LAST_LINES, ROTATED_CHARACTERS, JobLog

POD = "web-6cbb7f9f4b-4xk2d"


def read(log: JobLog, *lines: str, pod: str = POD, service: str = "web") -> bool:
    """One reading; whether a line of it has the text."""
    log.begin()
    found = [log.take(LogLine(pod, line, service)) for line in lines]
    log.end()
    return any(found)


@given(
    st.lists(st.sampled_from(["a", "b", "loading"]), min_size=1, max_size=60),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_a_log_that_grows_and_is_cut_short_anywhere_has_never_begun_anew(
    lines: list[str], cuts: list[int]
) -> None:
    log = JobLog("web", None)
    most = 0
    for cut in cuts:
        read(log, *lines[:cut])
        assert log.has_news == (min(cut, len(lines)) > most)
        most = max(most, min(cut, len(lines)))
    assert not log.restarted
    assert list(log.last_lines()) == lines[:most][-LAST_LINES:]


def test_a_new_log_under_the_same_name_is_another_start_and_the_first_one_is_kept() -> None:
    log = JobLog("web", None)
    read(log, "10:00 loading", "10:01 done")
    read(log, "10:02 loading")
    assert log.restarted == {POD}
    assert log.last_lines() == ["10:00 loading", "10:01 done"]
    read(log, "10:02 loading", "10:03 epoch 1", "10:04 epoch 2")
    assert log.last_lines() == ["10:00 loading", "10:01 done"]


def test_a_log_that_was_long_enough_to_be_rotated_has_not_begun_anew() -> None:
    log = JobLog("web", None)
    lines = [f"line {number} {'x' * 1_000}" for number in range(ROTATED_CHARACTERS // 1_000)]
    read(log, *lines)
    read(log, "line 99999")
    read(log, "line 100000")
    assert not log.restarted
    assert log.last_lines() == ["line 100000"]


def test_the_text_is_found_in_any_case_in_its_own_service_and_nowhere_else() -> None:
    log = JobLog("web", "Epoch 3/3")
    assert not read(log, "epoch 2/3", "epoch 3/4")
    assert not read(log, "epoch 3/3", pod="db-0", service="db")
    assert read(log, "epoch 1/3", "EPOCH 3/3 took 4 s")


def test_the_log_that_has_the_text_is_the_one_that_is_kept_with_what_comes_after() -> None:
    log = JobLog("web", "done")
    read(log, "10:00 loading", "10:01 failed")
    assert read(log, "10:02 loading", "10:03 done", "10:03 saved")
    assert log.last_lines() == ["10:02 loading", "10:03 done", "10:03 saved"]


def test_what_is_hidden_in_a_line_cannot_be_searched_for() -> None:
    assert not read(JobLog("web", "hunter2"), "password=hunter2hunter2")


def test_several_pods_are_told_apart() -> None:
    log = JobLog("web", None)
    log.begin()
    for pod in ("web-6cbb7f9f4b-aaaaa", "web-6cbb7f9f4b-bbbbb"):
        log.take(LogLine(pod, "hello", "web"))
    log.end()
    assert log.last_lines() == ["aaaaa: hello", "bbbbb: hello"]
