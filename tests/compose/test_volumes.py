"""Volumes in the short form, `[SOURCE:]TARGET[:OPTIONS]`: what becomes a disk, and where it is mounted."""

from __future__ import annotations

import json

import pytest
from conversion import convert, extend, left_out, services

DISKS = {
    "named": ("data:/d", {"mount": "/d"}),
    "read-only": ("data:/d:ro", {"mount": "/d", "readOnly": True}),
    "with options that change nothing": ("data:/d:rw,z", {"mount": "/d"}),
    "with an option of another program": ("data:/d:U", {"mount": "/d"}),
    "with several": ("data:/d:exec,ro", {"mount": "/d", "readOnly": True}),
    "by one letter": ("d:/d", {"mount": "/d"}),
}


@pytest.mark.parametrize(("volume", "disk"), DISKS.values(), ids=DISKS.keys())
def test_a_named_volume_is_a_disk(volume: str, disk: dict[str, object]) -> None:
    made = convert(json.dumps({"services": {"web": {"image": "x:1", "volumes": [volume]}}}))
    assert list(services(made)["web"]["params"]["storage"].values()) == [disk]
    unknown = [option for option in ("U", "exec") if option in volume]
    assert left_out(made) == [f"volumes: data:/d: the option {option}" for option in unknown]


@pytest.mark.parametrize("volume", ["./a:/d", "/a:/d:U", "~:/d", "C:\\a:/d:ro", "\\\\nas\\a:/d"])
def test_a_path_of_the_machine_is_listed_with_where_it_was_mounted(volume: str) -> None:
    made = convert(json.dumps({"services": {"web": {"image": "x:1", "volumes": [volume]}}}))
    assert left_out(made) == [f"volumes: {volume.rpartition(':/d')[0]}:/d"]


def test_where_a_volume_is_mounted_is_known_before_its_variables_are() -> None:
    text = "services: {web: {extends: base, volumes: ['${A:-./a}:/d:U']}, base: {image: x, volumes: ['b:/d', c:/e]}}"
    assert extend(text)["web"]["volumes"] == ["${A:-./a}:/d:U", "c:/e"]
