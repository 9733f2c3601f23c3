"""Give the plugin to Claude Code and the extension to Gemini CLI, in a home that is thrown away.

    python scripts/check_plugins.py                # `make plugin-check` is the same, after `make packages`

Claude Code installs its plugin and connects: `uvx akash-mcp` finds the wheel in dist/ before it looks elsewhere, so
this works before anything is published. Gemini CLI gives a server no such variable, so it only says that its extension
is valid.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from manifests import SERVER, project
from release_tools import TOP, Failed, Missing, bare_environment, program, run


def check_claude_code(home: Path) -> None:
    """Validate as its directory of plugins does, install, and see it connect. Raises `Failed`."""
    package = project().name
    claude = program("claude")
    environ = bare_environment(home, UV_FIND_LINKS=str(TOP / "dist"))
    run(
        [program("uvx"), package, "--version"], env=environ, cwd=home
    )  # else it is fetched while the host waits
    for words in (
        ["validate", TOP, "--strict"],
        ["validate", TOP / "plugin", "--strict", "--profile", "directory"],
        ["marketplace", "add", TOP],
        ["install", f"{SERVER}@{package}"],
    ):
        run([claude, "plugin", *words], env=environ, cwd=home)
    listed = run([claude, "mcp", "list"], env=environ, cwd=home).strip()
    if f"plugin:{SERVER}:{SERVER}" not in listed or "Connected" not in listed:
        raise Failed(f"Claude Code does not connect to the plugin's server: {listed}")
    print(f"Claude Code: {listed.splitlines()[-1]}")


def check_gemini(home: Path) -> None:
    """Have it judge its extension. Raises `Failed`."""
    run([program("gemini"), "extensions", "validate", TOP], env=bare_environment(home), cwd=home)
    print("Gemini CLI: its extension is valid")


def main() -> int:
    """Check both."""
    try:
        with tempfile.TemporaryDirectory(prefix="akash-mcp-plugins-") as folder:
            check_claude_code(Path(folder))
            check_gemini(Path(folder))
    except (Failed, Missing) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
