"""What can change under a running deployment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_sdls import Judged, each_source
from sdl_data import changed

from akash_mcp.sdl import diff

IMAGE = "    image: nginx:1.27.0\n"
word = st.text("abcXYZ019-_./ =", min_size=1, max_size=12)
words = st.lists(word, max_size=4)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("nginx:1.27.0", "nginx:1.28.0"),
        (IMAGE, IMAGE + "    env: [A=b]\n"),
        (IMAGE, IMAGE + "    command: [run]\n"),
        ("port: 80", "port: 8080"),
        ("amount: 1000", "amount: 2000"),
        ("units: 0.5", "units: 500m"),
        ("size: 1Gi", "size: 1024Mi"),
    ],
)
def test_what_runs_can_be_updated_in_place(old: str, new: str) -> None:
    assert diff(changed(), changed((old, new))) == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("units: 0.5", "units: 1", "cpu 500m → 1000m"),
        ("size: 512Mi", "size: 1Gi", "memory 512Mi → 1Gi"),
        ("size: 1Gi", "size: 2Gi", "storage default 1Gi → default 2Gi"),
        ("count: 1", "count: 2", "count 1 → 2"),
        ("as: 80", "as: 81", "number of HTTP addresses 1 → 0"),
        ("- global: true", "- global: true\n          - global: true", "number of HTTP addresses 1 → 2"),
        ("      pricing", "      attributes: {region: eu}\n      pricing", "attributes () → (region=eu)"),
        ("      pricing", "      signedBy: {anyOf: [akash1x]}\n      pricing", "signedBy cannot change"),
        (
            "  placement:",
            "        gpu: {units: 1, attributes: {vendor: {nvidia: }}}\n  placement:",
            "gpu 0 → 1",
        ),
        ("port: 80", "port: 0", "the new SDL would be refused"),
    ],
)
def test_what_was_ordered_cannot_be_updated_in_place(old: str, new: str, said: str) -> None:
    assert said in " ".join(diff(changed(), changed((old, new))))


def test_a_renamed_service_or_placement_prevents_an_update() -> None:
    renamed = changed(
        ("services:\n  web:", "services:\n  api:"), ("deployment:\n  web:", "deployment:\n  api:")
    )
    moved = changed(
        ("    dc:\n      pricing", "    eu:\n      pricing"),
        ("    dc:\n      profile", "    eu:\n      profile"),
    )
    assert len(diff(changed(), renamed)) == 2
    assert diff(changed(), moved) == ('the placement "dc" is gone', 'the placement "eu" is new')


@each_source
def test_no_sdl_differs_from_itself(judged: Judged) -> None:
    for sdl in judged():
        if sdl.report.ok:
            assert diff(sdl.report, sdl.report) == (), sdl.file


images = st.from_regex(r"[a-z0-9]{1,9}(/[a-z0-9]{1,9})?(:[a-z0-9]{1,9})?", fullmatch=True)
runs = st.fixed_dictionaries(
    {"image": images, "command": words, "args": words, "port": st.integers(1, 65535)}
)
variables = st.dictionaries(st.sampled_from("ABCD"), word, max_size=3)


@given(runs, variables)
def test_any_change_of_what_runs_can_be_updated_in_place(run: dict[str, object], env: dict[str, str]) -> None:
    lines = "".join(f"    {key}: {value!r}\n" for key, value in run.items() if key != "port")
    lines += f"    env: {[f'{name}={value}' for name, value in env.items()]!r}\n"
    new = changed((IMAGE, lines), ("port: 80", f"port: {run['port']}"))
    assert new.ok
    assert diff(changed(), new) == ()


orders = st.fixed_dictionaries(
    {
        "cpu": st.sampled_from(["0.5", "1", "2500m"]),
        "memory": st.sampled_from(["512Mi", "1Gi"]),
        "storage": st.sampled_from(["1Gi", "2Gi"]),
        "count": st.sampled_from(["1", "3"]),
    }
)


@given(orders, orders)
def test_each_changed_order_is_named_and_nothing_else(old: dict[str, str], new: dict[str, str]) -> None:
    before, after = (
        changed(
            ("units: 0.5", f"units: {each['cpu']}"),
            ("size: 512Mi", f"size: {each['memory']}"),
            ("size: 1Gi\n  placement", f"size: {each['storage']}\n  placement"),
            ("count: 1", f"count: {each['count']}"),
        )
        for each in (old, new)
    )
    named = [line.partition(": ")[2].split()[0] for line in diff(before, after)]
    assert named == [key for key in ("cpu", "memory", "storage", "count") if old[key] != new[key]]
