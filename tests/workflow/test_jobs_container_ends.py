"""Lists of Kubernetes events show that a container has ended, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from akash_mcp.clients.provider.log_frames import KubeEvent
from akash_mcp.workflow.jobs.container_ends import PodLives

POD = "web-6cbb7f9f4b-4xk2d"


def event(reason: str, note: str = "", pod: str = POD, service: str = "web") -> KubeEvent:
    return KubeEvent("Normal", reason, note, "Pod", pod, service)


def started(pull: str = "Successfully pulled image in 3s", pod: str = POD) -> list[KubeEvent]:
    return [event("Pulled", pull, pod), event("Created", pod=pod), event("Started", pod=pod)]


FIRST = [event("Scheduled"), event("Pulling"), *started()]
AGAIN = event("Pulled", "already present on machine")
BACK_OFF = event("BackOff", "Back-off restarting failed container web in pod web")


def ended(*looks: list[KubeEvent]) -> list[str]:
    lives = PodLives("web")
    for events in looks:
        lives.look(events)
    return sorted(name for name, pod in lives.pods.items() if pod.has_ended)


def test_the_first_start_is_no_end_however_often_it_is_looked_at() -> None:
    assert ended(*(FIRST[:seen] for seen in range(len(FIRST) + 1)), FIRST, FIRST) == []


@pytest.mark.parametrize("sign", [[AGAIN], [BACK_OFF], started("Successfully pulled image in 1s")])
def test_another_start_shows_that_the_one_before_ended(sign: list[KubeEvent]) -> None:
    assert ended([*FIRST, *sign]) == [POD]


def test_equal_events_that_kubernetes_keeps_as_one_show_the_end_by_their_back_off() -> None:
    once = [event("Scheduled"), *started("already present on machine")]
    assert ended(once) == []
    assert ended([*once, BACK_OFF]) == [POD]


def test_after_an_hour_in_which_all_was_forgotten_a_new_start_is_known_by_what_was_seen_before() -> None:
    assert ended(FIRST, [], started("already present on machine")) == [POD]
    assert ended(FIRST, FIRST[3:], [], []) == []
    assert ended(FIRST, [], [event("Started")]) == [], "the same event once more is no other one"


def test_a_program_that_cannot_be_started_has_not_ended() -> None:
    failed = [
        event("Scheduled"),
        event("Pulled", "a"),
        event("Created"),
        event("Failed", "Error: no such file"),
    ]
    assert ended([*failed, BACK_OFF, event("Pulled", "b"), event("Started")]) == []


def test_an_image_that_cannot_be_pulled_yet_has_not_ended() -> None:
    waiting = [event("Scheduled"), event("Pulling"), event("BackOff", 'Back-off pulling image "a"')]
    assert ended([*waiting, *started()]) == []


def test_a_pod_that_takes_an_earlier_ones_name_has_not_ended() -> None:
    stopped = [*FIRST, event("Killing", "Stopping container web")]
    second = [*stopped, event("Scheduled"), *started("Successfully pulled image in 9s")]
    assert ended(FIRST, stopped, second, second) == []
    assert ended(FIRST, [*second, BACK_OFF]) == [POD]


def test_a_pod_that_is_taken_away_is_known() -> None:
    lives = PodLives("web")
    lives.look([*FIRST, event("Killing", "Stopping container web")])
    assert lives.pods[POD].is_stopping
    lives.look([])
    assert lives.pods[POD].is_stopping, "also when its events are forgotten"


def test_pods_of_other_services_do_not_count() -> None:
    other = [event(one.reason, one.note, "db-0", "db") for one in [*FIRST, BACK_OFF]]
    assert ended([*FIRST, *other]) == []
