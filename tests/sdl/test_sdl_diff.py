"""What can change under a running deployment."""

from __future__ import annotations

import pytest
from sdl_data import changed

from akash_mcp.sdl import diff

IMAGE = "    image: nginx:1.27.0\n"


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
def test_what_runs_may_change(old: str, new: str) -> None:
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
def test_what_was_ordered_stays(old: str, new: str, said: str) -> None:
    assert said in " ".join(diff(changed(), changed((old, new))))


def test_a_renamed_service_or_placement_is_in_the_way() -> None:
    renamed = changed(
        ("services:\n  web:", "services:\n  api:"), ("deployment:\n  web:", "deployment:\n  api:")
    )
    moved = changed(
        ("    dc:\n      pricing", "    eu:\n      pricing"),
        ("    dc:\n      profile", "    eu:\n      profile"),
    )
    assert len(diff(changed(), renamed)) == 2
    assert diff(changed(), moved) == ('the placement "dc" is gone', 'the placement "eu" is new')
