"""What was seen is kept for some days, bounded and clean, and never stands in anybody's way."""

from __future__ import annotations

from pathlib import Path

from akash_mcp.guard.evidence import KEPT_SECONDS, Evidence, Finding
from akash_mcp.guard.store import Store
from akash_mcp.ids import Dseq, ProviderAddress


def test_what_is_kept_is_bounded_masked_and_forgotten(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    kept = Evidence(Store(tmp_path), lambda: clock[0])
    long = Finding("x" * 9_000, ("password=hunter2hunter2 " + "\x1b[31m" + "y" * 9_000,) * 99, "z")
    kept.keep(Dseq("5"), [long] * 99)
    found = kept.kept(Dseq("5"))
    assert found is not None
    assert (len(found.findings), len(found.findings[0].evidence)) == (5, 6)
    assert max(len(line) for one in found.findings for line in (one.what, *one.evidence)) <= 600
    assert "hunter2" not in str(found)
    assert "\x1b" not in str(found)
    clock[0] += KEPT_SECONDS + 1
    assert kept.kept(Dseq("5")) is None
    kept.keep(Dseq("6"), [long])
    with Store(tmp_path).reading() as db:
        assert [row["dseq"] for row in db.execute("SELECT dseq FROM diagnoses")] == ["6"]


def test_a_failed_provider_is_given_another_chance_after_some_hours(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    evidence, provider = Evidence(Store(tmp_path), lambda: clock[0]), ProviderAddress("akash1a")
    evidence.provider_failed(provider, "it closed a lease")
    evidence.provider_failed(provider, "provider not trusted")
    assert evidence.failing_providers() == {provider: "provider not trusted"}
    clock[0] += 6 * 3600 + 1
    assert evidence.failing_providers() == {}


def test_a_file_that_cannot_be_used_keeps_nothing_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "akash-mcp.sqlite3").write_bytes(b"rubbish" * 1000)
    evidence = Evidence(Store(tmp_path), lambda: 0.0)
    evidence.keep(Dseq("5"), [])
    evidence.provider_failed(ProviderAddress("akash1a"), "it closed a lease")
    assert (evidence.kept(Dseq("5")), evidence.failing_providers()) == (None, {})
