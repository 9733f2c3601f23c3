"""Each host has a page, whose first part is what the code does. `UPDATE_SNAPSHOTS=1` writes that part anew."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from akash_mcp.cli.hosts import own_command
from akash_mcp.cli.hosts.entry import SERVER, Launch
from akash_mcp.cli.hosts.formats import Put, edited, format_named
from akash_mcp.cli.hosts.install import HOW_IT_ASKS
from akash_mcp.cli.hosts.machine import Machine
from akash_mcp.cli.hosts.table import HOSTS, Host

FOLDER = Path(__file__).parents[2] / "docs" / "hosts"
LAUNCH = Launch(("/home/you/.local/bin/akash-mcp",), ())
SYSTEMS = (("Linux", "linux"), ("macOS", "darwin"), ("Windows", "win32"))


def places(host: Host) -> dict[str, str]:
    """Where the host looks on each system, as people write it."""
    found = {}
    for title, platform in SYSTEMS:
        named = {"APPDATA": "%APPDATA%", "LOCALAPPDATA": "%LOCALAPPDATA%"} if platform == "win32" else {}
        file = host.file(Machine(platform, Path("~"), named, Path())).as_posix()
        found[title] = file.replace("~", "%USERPROFILE%").replace("/", "\\") if platform == "win32" else file
    return found


def body(host: Host) -> str:
    """What a page says that the code knows."""
    by_system = places(host)
    told = " ".join(f"{title}: `{file}`." for title, file in by_system.items())
    lines = [
        f"""```
akash-mcp install {host.name} --write      # --sandbox: to try it without an account
akash-mcp uninstall {host.name} --write    # takes it out again
```"""
    ]
    if host.own_command:
        command = shlex.join(own_command.add_command(host, LAUNCH))
        lines.append(
            f"It runs {host.title}'s own command, since {host.title} keeps writing that file itself:\n\n"
            f"```\n{command}\n```"
        )
    else:
        text = edited(format_named(host.format), "", [Put((*host.servers, SERVER), host.shape.entry(LAUNCH))])
        if host.input is not None:
            text = edited(format_named(host.format), text, [Put(("inputs", 0), host.input)])
        lines.append(f"The file then holds:\n\n```{host.format}\n{text}```")
    lines.append(f"**Where.** {told}")
    if host.project is not None:
        lines.append(f"With `--scope project`: `{host.project}` in the project's folder.")
    lines.append(f"**What you see.** {host.then}")
    lines.append(f"**How it asks.** {HOW_IT_ASKS[host.asks].format(title=host.title)}")
    key = "Run `akash-mcp login` once, for all hosts"
    if host.reads_environment:
        key += f", or set `AKASH_API_KEY` in the environment that {host.title} starts in"
    lines.append(f"**The key.** {key}. It never stands in the file.")
    return "\n\n".join(lines)


@pytest.mark.parametrize("name", HOSTS)
def test_the_page_of_a_host_says_what_the_code_does(name: str) -> None:
    page = FOLDER / f"{name}.md"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        text = page.read_text(encoding="utf-8")
        written = re.sub(
            r"(?s)(<!-- host -->\n).*?(\n<!-- end -->)", lambda m: m[1] + body(HOSTS[name]) + m[2], text
        )
        page.write_text(written, encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {HOSTS[name].title}\n")
    assert body(HOSTS[name]) in text


def row(host: Host) -> str:
    asks = {
        "asks": "asks you",
        "sometimes": "asks you in a terminal",
        "cannot": "cannot ask",
        "not stated": "not stated",
    }
    project = f"`{host.project}`" if host.project else ""
    return f"| [{host.title}]({host.name}.md) | `{host.name}` | {asks[host.asks]} | {project} |"


def test_the_index_has_every_host() -> None:
    head = ["| host | `install` | asks before it spends | `--scope project` |", "|---|---|---|---|"]
    rows = "\n".join([*head, *map(row, HOSTS.values())])
    page = FOLDER / "README.md"
    text = page.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        text = re.sub(r"(?s)(<!-- hosts -->\n).*?(\n<!-- end -->)", lambda m: m[1] + rows + m[2], text)
        page.write_text(text, encoding="utf-8")
    assert rows in text
