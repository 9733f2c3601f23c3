"""Who else can write: the folder, what stands above it, and what a link leads to."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from akash_mcp.guard.private_files import who_else_can_read, who_else_can_write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "above" / "state"
    made.mkdir(parents=True, mode=0o700)
    made.parent.chmod(0o755)
    return made


def test_a_folder_of_ours_is_only_ours(folder: Path) -> None:
    assert who_else_can_write(folder) is None
    assert who_else_can_write(folder / "not" / "there") is None
    assert who_else_can_read(folder) is None
    assert who_else_can_read(folder / "not") is None


@pytest.mark.parametrize(("mode", "refused"), [(0o777, True), (0o757, True), (0o1777, False), (0o755, False)])
def test_whoever_can_write_above_could_put_another_folder_there(
    folder: Path, mode: int, refused: bool
) -> None:
    folder.parent.chmod(mode)
    exposed = who_else_can_write(folder)
    assert (exposed is not None) == refused
    if exposed is not None:
        assert (exposed.path, exposed.fix) == (folder.parent, f"chmod go-w {folder.parent}")


def test_a_sticky_folder_is_no_place_for_a_ledger_itself(folder: Path) -> None:
    folder.chmod(0o1777)
    exposed = who_else_can_write(folder)
    assert exposed is not None
    assert exposed.fix == f"chmod 700 {folder}"


def test_a_link_is_followed(folder: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared with others"
    shared.mkdir()
    (shared / "state").mkdir()
    folder.rmdir()
    folder.symlink_to(shared / "state")
    assert who_else_can_write(folder) is None
    shared.chmod(0o777)
    exposed = who_else_can_write(folder)
    assert exposed is not None
    assert exposed.fix == f"chmod go-w '{shared}'"


def test_a_group_of_others_can_write_and_our_own_group_is_us(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid():
        pytest.skip("only root can give a folder to another group")
    folder.chmod(0o770)
    assert who_else_can_write(folder) is None
    os.chown(folder, -1, 12_345)
    exposed = who_else_can_write(folder)
    assert exposed is not None
    assert str(exposed) == f"{folder} can be written by other users of its group"


def test_another_users_folder_is_theirs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    if folder.stat().st_uid == 0:
        assert who_else_can_write(folder) is None  # root's is nobody else's
        os.chown(folder, 12_345, -1)
    exposed = who_else_can_write(folder)
    assert exposed is not None
    assert exposed.why == "belongs to another user"


def test_root_serves_from_whoever_mounted_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    if os.getuid() == 0:
        os.chown(folder, 1000, 1000)
    assert who_else_can_write(folder) is None
