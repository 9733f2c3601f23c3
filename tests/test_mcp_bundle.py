"""The MCP bundle holds what its package is built from, and no more. `make mcpb` packs it and starts it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from manifests import bundle_manifest, project
from mcp_bundle import FILLED_IN, stage

TOP = Path(__file__).parent.parent


def test_the_bundle_holds_what_its_package_is_built_from(tmp_path: Path) -> None:
    stage(tmp_path / "bundle")
    staged = {path.relative_to(tmp_path / "bundle") for path in (tmp_path / "bundle").rglob("*")}
    build = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    wheel = build["build"]["targets"]["wheel"]
    readme = [part["path"] for part in build["metadata"]["hooks"]["fancy-pypi-readme"]["fragments"]]
    assert staged >= {
        Path(name) for name in (*wheel["packages"], *wheel["force-include"], *readme, "LICENSE")
    }
    assert Path(bundle_manifest(project())["server"]["entry_point"]) in staged
    assert Path(bundle_manifest(project())["icon"]) in staged
    assert {path.parts[0] for path in staged}.isdisjoint({"tests", ".venv", "benchmarks"})
    assert not [path for path in staged if path.suffix == ".pyc"]


def test_the_bundle_has_the_manifest_of_the_repository(tmp_path: Path) -> None:
    stage(tmp_path / "bundle")
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == json.loads((TOP / "mcpb" / "manifest.json").read_text(encoding="utf-8"))
    assert FILLED_IN.keys() == manifest["user_config"].keys()
