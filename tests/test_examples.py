from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from akash_mcp.data import examples_dir
from akash_mcp.sdl import check

FILES = sorted(examples_dir().glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_would_be_taken_by_all_three_judges_and_warns_of_its_placeholders_only(file: Path) -> None:
    report = check(file.read_text(encoding="utf-8"))
    assert report.ok
    placeholders = file.read_text(encoding="utf-8").count("=replace-this") + (
        "replace-this-password@" in str(report.data)
    )
    assert [warning.rule for warning in report.warnings] == ["N03"] * placeholders


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_pins_its_images(file: Path) -> None:
    images = re.findall(r"^ +image: (\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert images
    assert all(re.search(r":v?\d+\.\d+\.\d+", image) or re.search(r":\d+\.\d+-", image) for image in images)


def test_the_list_of_examples_states_their_price_ceilings() -> None:
    page = (examples_dir() / "README.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^\| \[([\w.-]+)\].*\| \$([\d.]+) an hour \|$", page, re.MULTILINE))
    assert set(stated) == {file.name for file in FILES}
    for file in FILES:
        assert str(check(file.read_text(encoding="utf-8")).ceiling_usd_hour) == f"${stated[file.name]}"


def test_the_traced_server_keeps_spans_off_standard_output() -> None:
    traced = runpy.run_path(str(examples_dir() / "telemetry" / "traced_server.py"))
    exporter = traced["exporter"]()
    assert isinstance(exporter, ConsoleSpanExporter)
    assert exporter.out is sys.stderr
