"""The SDL guide shows what works."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from sdl_data import changed

from akash_mcp.sdl import check

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "sdl.md"


def test_the_first_example_of_the_guide_deploys_without_a_warning() -> None:
    example = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)[0]
    report = check(example)
    assert (report.ok, report.errors, report.warnings) == (True, (), ())


def test_every_other_example_is_yaml() -> None:
    for example in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL):
        assert yaml.safe_load(example)


def test_the_table_of_ceilings_is_right() -> None:
    for amount, ceiling in re.findall(r"^\| ([\d,]+) \| ([\d,.]+) USD \|$", GUIDE.read_text(), re.MULTILINE):
        month = changed(("amount: 1000", f"amount: {amount.replace(',', '')}")).ceiling_usd_month
        assert month is not None
        assert abs(float(ceiling.replace(",", "")) - float(month.amount)) < 0.5
