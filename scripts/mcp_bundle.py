"""Pack the MCP bundle (.mcpb) and start it as a host application would.

    python scripts/mcp_bundle.py            # `make mcpb` is the same: dist/akash-mcp-VERSION.mcpb and dist/server.json

A bundle of type `uv` holds the source and its pyproject.toml; the host's own uv fetches Python and the libraries at the
first start. What the host runs is worked out here by the bundle tool's own function, with nothing, with empty fields
and with all fields filled in, in an environment with hardly more than a PATH.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from manifests import ASKED, bundle_manifest, project, publish, written
from release_tools import NODE, TOP, Failed, Missing, bare_environment, program, run, tools_of
from tool_reference import DEFAULT_TOOLS

from akash_mcp.tools.tool import Effect

STAGED = TOP / "build" / "mcpb"
_MCPB = NODE / "@anthropic-ai" / "mcpb"
_HOST = """
const { getMcpConfigForManifest } = await import(process.argv[1]);
const [manifest, extensionPath, userConfig] = JSON.parse(process.argv[2]);
const config = await getMcpConfigForManifest(
  { manifest, extensionPath, userConfig, systemDirs: {}, pathSeparator: "/" });
console.log(JSON.stringify(config));
"""

FILLED_IN: dict[str, object] = {
    "api_key": "made-up-key",
    "max_usd_per_deployment": 2,
    "max_usd_per_day": 5,
    "sandbox": True,
    "read_only": True,
}


def stage(into: Path) -> None:
    """Write what the bundle holds: the package with what its wheel is built from, the manifest and the icon."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    for folder in ("akash_mcp", "prompts", "examples"):
        shutil.copytree(TOP / folder, into / folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    (into / "docs").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "docs/sdl.md"):
        shutil.copy(TOP / name, into / name)
    shutil.copy(TOP / "docs" / "icon.png", into / "icon.png")
    (into / "manifest.json").write_text(written(bundle_manifest(project())), encoding="utf-8")


def pack(into: Path) -> Path:
    """Validate what is staged, and pack it. Returns the bundle."""
    bundle = into / project().bundle
    into.mkdir(exist_ok=True)
    run([program("mcpb"), "validate", STAGED / "manifest.json"])
    run([program("mcpb"), "pack", STAGED, bundle])
    return bundle


def host_runs(unpacked: Path, filled_in: Mapping[str, object]) -> dict[str, Any]:
    """The command, arguments and environment that a host makes of the manifest and what a person filled in."""
    manifest = json.loads((unpacked / "manifest.json").read_text(encoding="utf-8"))
    given = json.dumps([manifest, str(unpacked), filled_in])
    library = _MCPB / "dist" / "shared" / "config.js"
    answer = run([program("node"), "--input-type=module", "-e", _HOST, library.as_uri(), given])
    config: dict[str, Any] = json.loads(answer)
    return config


def check(bundle: Path) -> None:
    """Unpack the bundle and start it with each kind of filling in, as a host does. Raises `Failed`."""
    with tempfile.TemporaryDirectory(prefix="akash-mcp-bundle-") as folder:
        unpacked, home = Path(folder) / "extension", Path(folder) / "home"
        home.mkdir()
        run([program("mcpb"), "unpack", bundle, unpacked])
        empty = {each.setting: "" for each in ASKED if each.kind != "boolean"}
        for what, filled_in, expected in (
            ("nothing filled in", {}, len(DEFAULT_TOOLS)),
            ("fields left empty", empty, len(DEFAULT_TOOLS)),
            ("all filled in", FILLED_IN, sum(tool.effect is Effect.READS for tool in DEFAULT_TOOLS)),
        ):
            config = host_runs(unpacked, filled_in)
            # Only the first start may need the network: later ones have all that they need.
            offline = {"UV_OFFLINE": "1"} if filled_in else {}
            environ = bare_environment(home, **config["env"], **offline)
            count, seconds = tools_of(program(config["command"]), config["args"], environ, home)
            print(f"{what}: {count} tools after {seconds:.1f} s")
            if count != expected:
                raise Failed(f"With {what} the bundle has {count} tools instead of {expected}.")


def main() -> int:
    """Stage, validate, pack and check the bundle, and write the server.json that is published with it."""
    try:
        stage(STAGED)
        bundle = pack(TOP / "dist")
        print(f"{bundle.relative_to(TOP)}: {bundle.stat().st_size / 1e6:.2f} MB")
        publish(bundle.parent)
        check(bundle)
    except (Failed, Missing) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
