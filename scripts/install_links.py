"""The one-click links of README.md and docs/index.md: each adds the server to a host application.

    python scripts/install_links.py       # prints them

A link with a host's own scheme (`cursor://…`) is what the host takes. GitHub and PyPI show only https links, so the
README goes by the page of each host that opens it. The key is asked for by the host, or named as a variable; a link
never holds one.
"""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from manifests import SERVER, project

_KEY = "AKASH_API_KEY"


@dataclass(frozen=True, slots=True)
class InstallLink:
    """A link that adds the server to one host application."""

    host: str
    link: str
    """What the host itself takes."""
    page: str
    """An https page that opens it."""

    @property
    def badge(self) -> str:
        """The link as a badge, in Markdown."""
        label = quote(self.host.replace("-", "--").replace(" ", "_"))
        image = f"https://img.shields.io/badge/Install-{label}-14b8a6?style=flat-square"
        return f"[![Install in {self.host}]({image})]({self.page})"


def _server(package: str, key: str) -> dict[str, Any]:
    return {"command": "uvx", "args": [package], "env": {_KEY: key}}


def install_links(package: str) -> list[InstallLink]:
    """The links for `package` of PyPI, run by uvx."""
    return [
        _cursor(package),
        _vscode(package, "VS Code", "vscode"),
        _vscode(package, "VS Code Insiders", "vscode-insiders"),
        _lm_studio(package),
        _goose(package),
    ]


def _base64(config: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(config, separators=(",", ":")).encode()).decode()


def _cursor(package: str) -> InstallLink:
    query = urlencode({"name": SERVER, "config": _base64(_server(package, f"${{env:{_KEY}}}"))})
    return InstallLink(
        "Cursor",
        f"cursor://anysphere.cursor-deeplink/mcp/install?{query}",
        f"https://cursor.com/en/install-mcp?{query}",
    )


def _vscode(package: str, host: str, scheme: str) -> InstallLink:
    asked = {
        "type": "promptString",
        "id": "akash-api-key",
        "description": "Akash Console API key",
        "password": True,
    }
    config = {"name": SERVER, **_server(package, "${input:akash-api-key}"), "inputs": [asked]}
    link = f"{scheme}:mcp/install?{quote(json.dumps(config, separators=(',', ':')), safe='')}"
    return InstallLink(host, link, f"https://insiders.vscode.dev/redirect?url={quote(link, safe='')}")


def _lm_studio(package: str) -> InstallLink:
    # It fills in no variables: an empty key shows where it belongs, and counts as not set.
    query = urlencode({"name": SERVER, "config": _base64(_server(package, ""))})
    return InstallLink("LM Studio", f"lmstudio://add_mcp?{query}", f"https://lmstudio.ai/install-mcp?{query}")


def _goose(package: str) -> InstallLink:
    query = urlencode(
        {
            "cmd": "uvx",
            "arg": package,
            "timeout": 300,
            "id": SERVER,
            "name": "Akash",
            "description": "Run containers on Akash Network inside a budget",
            "env": f"{_KEY}=Akash Console API key",  # a name and what it is: Goose asks for it and keeps it
        },
        quote_via=quote,
    )
    return InstallLink("Goose", f"goose://extension?{query}", f"https://goose-docs.ai/extension?{query}")


def readme_badges(package: str) -> str:
    """The line of badges in README.md."""
    return "\n".join(link.badge for link in install_links(package))


def site_links(package: str) -> str:
    """The list in docs/index.md, by the hosts' own schemes."""
    return "\n".join(f"- [{link.host}]({link.link})" for link in install_links(package))


def main() -> int:
    """Print every link."""
    for link in install_links(project().name):
        print(f"{link.host}\n  {link.link}\n  {link.page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
