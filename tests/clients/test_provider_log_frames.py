from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.clients.provider.log_frames import KubeEvent, LogLine, kube_event, log_line, service_of


@pytest.mark.parametrize(
    ("pod", "services", "service"),
    [
        ("web-6cbb7f9f4b-4xk2d", (), "web"),
        ("my-web-6cbb7f9f4b-4xk2d", (), "my-web"),
        ("db-0", (), "db"),
        ("my-db-12", (), "my-db"),
        ("web", (), "web"),
        ("", (), ""),
        ("web-api-6cbb7f9f4b-4xk2d", ("web", "web-api"), "web-api"),
        ("web-6cbb7f9f4b-4xk2d", ("web", "web-api"), "web"),
        ("webapi-6cbb7f9f4b-4xk2d", ("web",), "webapi"),
        ("web-6cbb7f9f4b", ("web",), "web"),
    ],
)
def test_a_pod_belongs_to_a_service(pod: str, services: tuple[str, ...], service: str) -> None:
    assert service_of(pod, services) == service


def test_a_log_line() -> None:
    frame = '{"name":"web-6cbb7f9f4b-4xk2d","message":"\\u003chello\\u003e"}\n'
    assert log_line(frame) == LogLine("web-6cbb7f9f4b-4xk2d", "<hello>", "web")


@pytest.mark.parametrize("frame", ["plain text\n", "[1]", b"\xff\xfe", "[" * 100_000])
def test_a_frame_that_is_no_object_is_a_line(frame: str | bytes) -> None:
    assert log_line(frame).pod == ""
    assert log_line(frame).message
    assert kube_event(frame) is None


def test_an_event() -> None:
    frame = {
        "type": "Warning",
        "reason": "BackOff",
        "note": "Back-off pulling image",
        "object": {"kind": "Pod", "namespace": "n", "name": "web-6cbb7f9f4b-4xk2d"},
    }
    assert kube_event(json.dumps(frame)) == KubeEvent(
        "Warning", "BackOff", "Back-off pulling image", "Pod", "web-6cbb7f9f4b-4xk2d", "web"
    )


def test_an_event_without_its_parts() -> None:
    assert kube_event('{"type": 3, "object": null}') == KubeEvent("", "", "", "", "", "")


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_frame_is_too_odd(frame: str | bytes) -> None:
    log_line(frame, ("web",))
    kube_event(frame, ("web",))
