"""`akash-mcp usage`: the account's money in a terminal of 80 columns, whatever characters it has."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import anyio.to_thread
import pytest
from agents import YES, Connect
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp import config
from akash_mcp.cli import main
from akash_mcp.cli.usage import BAR_WIDTH, plot
from akash_mcp.guard.policy.limits import Committed
from akash_mcp.money import Usd
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.account.usage import Spending, Usage


@pytest.fixture
def environ(
    network: EmbeddedNetwork, settings: config.Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("AKASH_API_KEY", network.api_key)
    monkeypatch.setenv("AKASH_CONSOLE_URL", network.console_url)
    monkeypatch.setenv("AKASH_CHAIN_REST_URL", network.chain_rest_url)
    monkeypatch.setenv("AKASH_MCP_STATE_DIR", str(settings.state_dir))


async def run(*words: str) -> int:
    return await anyio.to_thread.run_sync(main.main, ["usage", *words])


def usage_of(spent: dict[date, Usd], today: date) -> Usage:
    return Usage(
        at=datetime(today.year, today.month, today.day, 12, tzinfo=UTC).timestamp(),
        spending=Spending(today, spent),
        running=(),
        usd_per_hour=Usd(0),
        is_whole=True,
        credit=Usd(5),
        credit_hours=None,
        ledger=Committed(),
        disagreements=(),
        unknown=(),
    )


@pytest.mark.anyio
@pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
async def test_it_shows_what_is_spent_and_a_line_for_each_day(
    generation: Generation,
    environ: None,
    connect: Connect,
    sdl: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with connect(answer=YES) as agent:
        lease = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=5))
        assert await run("--days", "5") == 0
        text = capsys.readouterr().out
        assert await run("--days", "3", "--json") == 0
        record = json.loads(capsys.readouterr().out)
    assert lease["dseq"] in text
    assert "\x1b" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
    today = datetime.now(UTC).date()
    assert sum(line.startswith(("20",)) and "UTC." not in line for line in text.splitlines()) == 5
    assert len(record["days"]) == 3
    assert date.fromisoformat(record["days"][-1]["date"]) - today <= timedelta(days=1)
    assert Decimal(record["usd_per_hour"]) > 0
    assert record["unknown"] == []
    assert [each["dseq"] for each in record["deployments"]] == [lease["dseq"]]


@pytest.mark.anyio
async def test_what_is_not_known_is_said_and_is_no_success(
    environ: None, network: EmbeddedNetwork, capsys: pytest.CaptureFixture[str]
) -> None:
    await network.inject("503-html", route="GET /v1/usage/history")
    assert await run("--days", "2") == 1
    said = capsys.readouterr()
    assert said.out.count("not known") >= 5
    assert "What was spent by day is not known" in said.err


def test_without_a_key_it_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("AKASH_API_KEY", raising=False)
    assert main.main(["usage", "--state-dir", str(tmp_path / "state")]) == 1
    said = capsys.readouterr()
    assert "There is no Akash Console API key." in said.err
    assert said.out == ""


@pytest.mark.parametrize("days", ["0", "367", "-1", "a week", "1.5"])
def test_days_are_whole_and_within_a_year(days: str) -> None:
    with pytest.raises(SystemExit) as wrong:
        main.main(["usage", "--days", days])
    assert wrong.value.code == 2


@pytest.mark.anyio
@pytest.mark.parametrize(("encoding", "bar"), [("utf-8", "█"), ("cp1252", "#"), ("ascii", "#")])
async def test_bars_are_made_of_what_the_output_has(
    encoding: str, bar: str, environ: None, network: EmbeddedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "akash_mcp.cli.usage._read",
        _told(usage_of({date(2026, 11, 29): Usd(2), date(2026, 11, 28): Usd(1)}, date(2026, 11, 29))),
    )
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    assert await run("--days", "3") == 0
    sys.stdout.flush()
    text = raw.getvalue().decode(encoding)
    assert f"2026-11-29      $2.00  {bar * BAR_WIDTH}\n" in text
    assert f"2026-11-28      $1.00  {bar * (BAR_WIDTH // 2)}\n" in text
    assert "2026-11-27  not known\n" in text


def _told(now: Usage) -> Callable[[config.Settings, int], Awaitable[Usage]]:
    async def read(settings: config.Settings, days: int) -> Usage:
        return now

    return read


amounts = st.none() | st.decimals(min_value=0, max_value=10**6, places=4).map(Usd)


@given(st.lists(amounts, min_size=1, max_size=366))
def test_a_plot_has_a_line_a_day_that_fits_and_whose_bars_keep_their_order(spent: list[Usd | None]) -> None:
    today = date(2026, 11, 29)
    days = {today - timedelta(days=ago): each for ago, each in enumerate(reversed(spent))}
    now = usage_of({day: usd for day, usd in days.items() if usd is not None}, today)
    lines = list(plot(now, len(spent)))
    assert len(lines) == len(spent)
    assert all(len(line) <= 80 for line in lines)
    bars = [line.count("█") for line in lines]
    assert max(bars) <= BAR_WIDTH
    for usd, bar in zip(spent, bars, strict=True):
        assert bool(bar) is bool(usd)
    known = sorted((usd.amount, bar) for usd, bar in zip(spent, bars, strict=True) if usd is not None)
    assert [bar for _, bar in known] == sorted(bar for _, bar in known)
