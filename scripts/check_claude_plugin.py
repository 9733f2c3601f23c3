"""Install the plugin in Claude Code, in a home that is thrown away, and see it connect.

    python scripts/check_claude_plugin.py          # `make plugin-check` is the same, after `make packages`

`uvx akash-mcp` finds the wheel in dist/ before it looks elsewhere, so this works before anything is published.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from manifests import SERVER, project
from release_tools import TOP, Failed, Missing, bare_environment, program, run


def main() -> int:
    """Validate, install, list."""
    try:
        claude = program("claude")
        plugin = f"{SERVER}@{project().name}"
        with tempfile.TemporaryDirectory(prefix="akash-mcp-plugin-") as folder:
            home = Path(folder)
            environ = bare_environment(home, UV_FIND_LINKS=str(TOP / "dist"))
            run(
                [program("uvx"), project().name, "--version"], env=environ, cwd=home
            )  # or it is fetched while it waits
            for words in (
                ["plugin", "validate", str(TOP), "--strict"],
                ["plugin", "validate", str(TOP / "plugin"), "--strict", "--profile", "directory"],
                ["plugin", "marketplace", "add", str(TOP)],
                ["plugin", "install", plugin],
            ):
                print(run([claude, *words], env=environ, cwd=home).strip())
            listed = run([claude, "mcp", "list"], env=environ, cwd=home)
            print(listed.strip())
            if f"plugin:{SERVER}:{SERVER}" not in listed or "Connected" not in listed:
                raise Failed("Claude Code does not connect to the plugin's server.")
    except (Failed, Missing) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
