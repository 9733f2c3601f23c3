"""What was seen is kept for some days, bounded and clean, and never stands in anybody's way."""

from __future__ import annotations

from pathlib import Path

import pytest

from akash_mcp.guard.books.evidence import KEPT_SECONDS, Evidence, Finding
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq, ProviderAddress

pytestmark = pytest.mark.anyio


async def test_what_is_kept_is_bounded_masked_and_forgotten(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    kept = Evidence(Store(tmp_path, lambda: clock[0]))
    long = Finding("x" * 9_000, ("password=hunter2hunter2 " + "\x1b[31m" + "y" * 9_000,) * 99, "z")
    await kept.keep(Dseq("5"), [long] * 99)
    found = await kept.kept(Dseq("5"))
    assert found is not None
    assert (len(found.findings), len(found.findings[0].evidence)) == (5, 6)
    assert max(len(line) for one in found.findings for line in (one.what, *one.evidence)) <= 600
    assert "hunter2" not in str(found)
    assert "\x1b" not in str(found)
    clock[0] += KEPT_SECONDS + 1
    assert await kept.kept(Dseq("5")) is None
    await kept.keep(Dseq("6"), [long])
    rows = Store(tmp_path).read_now(lambda db: db.all("SELECT dseq FROM diagnoses"))
    assert [row["dseq"] for row in rows] == ["6"]


async def test_a_failed_provider_is_given_another_chance_after_some_hours(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    evidence, provider = Evidence(Store(tmp_path, lambda: clock[0])), ProviderAddress("akash1a")
    await evidence.provider_failed(provider, "it closed a lease")
    await evidence.provider_failed(provider, "provider not trusted")
    assert await evidence.failing_providers() == {provider: "provider not trusted"}
    clock[0] += 6 * 3600 + 1
    assert await evidence.failing_providers() == {}


async def test_a_file_that_cannot_be_used_keeps_nothing_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "akash-mcp.sqlite3").write_bytes(b"rubbish" * 1000)
    evidence = Evidence(Store(tmp_path, lambda: 0.0))
    await evidence.keep(Dseq("5"), [])
    await evidence.provider_failed(ProviderAddress("akash1a"), "it closed a lease")
    assert (await evidence.kept(Dseq("5")), await evidence.failing_providers()) == (None, {})
