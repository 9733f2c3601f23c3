"""What registries and host applications read of this package, written from pyproject.toml, the settings and the tools.

    python scripts/manifests.py                              # writes the files below; `make manifests` is the same
    python scripts/manifests.py --publish dist               # dist/server.json, with the hash of the bundle in dist

A name, a version or a limit that stood in six files by hand would be right in five. The files are committed, since
registries and hosts read them in the repository, and tests/test_manifests.py fails where one is not what this writes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tool_reference import DEFAULT_TOOLS, first_sentence

from akash_mcp import config

TOP = Path(__file__).parent.parent
SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
SERVER = "akash"
"""What hosts call the server: short, since some cut `server + tool` at 60 characters."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Project:
    """What pyproject.toml says of the package."""

    name: str
    version: str
    description: str
    license: str
    keywords: list[str]
    author: str
    python: str
    repository: str
    homepage: str
    issues: str

    @property
    def owner_and_name(self) -> str:
        """`akash-mcp/akash-mcp`: the repository without its host."""
        return self.repository.removeprefix("https://github.com/")

    @property
    def server_name(self) -> str:
        """The name in the MCP registry, which gives it to who can publish from that repository."""
        return f"io.github.{self.owner_and_name}"

    @property
    def image(self) -> str:
        """The container image of this version."""
        return f"ghcr.io/{self.owner_and_name}:{self.version}"

    @property
    def bundle(self) -> str:
        """The file name of the MCP bundle of this version."""
        return f"{self.name}-{self.version}.mcpb"


def project(top: Path = TOP) -> Project:
    """Read pyproject.toml."""
    table = tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return Project(
        name=table["name"],
        version=table["version"],
        description=table["description"],
        license=table["license"],
        keywords=table["keywords"],
        author=table["authors"][0]["name"],
        python=table["requires-python"],
        repository=table["urls"]["Repository"],
        homepage=table["urls"]["Homepage"],
        issues=table["urls"]["Issues"],
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A setting that hosts ask a person for. None is required: the server starts with nothing and says what it lacks.

    What is a limit has no default here: it would count as written by the person, and contradict a lower limit that
    they do write. An empty one leaves the product's own default, which the description names.
    """

    setting: str
    kind: Literal["string", "number", "boolean"]
    title: str
    description: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """The variable that people know: `AKASH_API_KEY`, where it has another name than ours."""
        own, *known = config.variables_of(self.setting)
        return known[0] if known else own

    @property
    def own_variable(self) -> str:
        """The variable that leaves the known one to the environment, where the person left the field empty."""
        return config.variables_of(self.setting)[0]


def _limit(setting: str, title: str, what: str) -> Asked:
    default = config.Settings.model_fields[setting].default
    return Asked(setting, "number", title, f"{what}, in US dollars. Empty: {default.exact()}.")


ASKED = (
    Asked(
        "api_key",
        "string",
        "Akash Console API key",
        "From console.akash.network. Most keys can do all that the account can: use an account of its own, with "
        "little credit. Not needed for the sandbox.",
        secret=True,
    ),
    _limit("max_usd_per_deployment", "Limit for one deployment", "Most that one deployment may cost"),
    _limit("max_usd_per_day", "Limit for a day", "Most that may be committed within 24 hours"),
    Asked(
        "sandbox",
        "boolean",
        "Sandbox",
        "Try everything on an embedded network with play money: no key, no account, no cost.",
    ),
    Asked("read_only", "boolean", "Read only", "Offer no tool that spends or changes anything."),
)

NAMED = (
    Asked(
        "akua_token",
        "string",
        "Akua API token",
        "Of a workspace of Akua, another service than Akash. With it, Akua's tools are offered.",
        secret=True,
    ),
    Asked(
        "akua_workspace",
        "string",
        "Akua workspace",
        "By id, slug or name, where the Akua token reaches several.",
    ),
)
"""Variables that the registry is told of beside, since a container gets only those that are named. No host asks a
person for them: most people have no account at Akua, and `akash-mcp login --akua` serves every host at once."""


def server_json(of: Project, bundle_sha256: str | None = None) -> Json:
    """`server.json` of the MCP registry. Only what is published has the bundle's hash, which its building tells."""
    asked = [_environment_variable(each) for each in (*ASKED, *NAMED)]
    bundle: Json = {
        "registryType": "mcpb",
        "identifier": f"{of.repository}/releases/download/v{of.version}/{of.bundle}",
        "version": of.version,
        "transport": {"type": "stdio"},
    }
    if bundle_sha256:
        bundle["fileSha256"] = bundle_sha256
    return {
        "$schema": SCHEMA,
        "name": of.server_name,
        "title": "Akash",
        "description": "Runs containers on Akash Network inside a budget that only you set",
        "repository": {"url": of.repository, "source": "github"},
        "websiteUrl": of.homepage,
        "icons": [
            {
                "src": f"https://raw.githubusercontent.com/{of.owner_and_name}/v{of.version}/docs/icon.png",
                "mimeType": "image/png",
                "sizes": ["512x512"],
            }
        ],
        "version": of.version,
        "packages": [
            {
                "registryType": "pypi",
                "identifier": of.name,
                "version": of.version,
                "runtimeHint": "uvx",
                "transport": {"type": "stdio"},
                "environmentVariables": asked,
            },
            {
                "registryType": "oci",
                "identifier": of.image,
                "runtimeHint": "docker",
                # Without a volume the ledger goes with the container, and with it what was spent today.
                "runtimeArguments": [
                    {"type": "named", "name": "--volume", "value": f"{of.name}:/var/lib/{of.name}"}
                ],
                "packageArguments": [{"type": "positional", "value": "serve"}],
                "transport": {"type": "stdio"},
                "environmentVariables": asked,
            },
            bundle,
        ],
    }


def _environment_variable(asked: Asked) -> Json:
    return {
        "name": asked.variable,
        "description": asked.description,
        "isRequired": False,
        "isSecret": asked.secret,
        "format": asked.kind,
        **({"default": "false"} if asked.kind == "boolean" else {}),
    }


def bundle_manifest(of: Project) -> Json:
    """`manifest.json` of the MCP bundle, for Claude Desktop and others: the host runs it with its own uv."""
    return {
        "manifest_version": "0.4",
        "name": of.name,
        "display_name": "Akash",
        "version": of.version,
        "description": of.description,
        "long_description": (TOP / "mcpb" / "about.md").read_text(encoding="utf-8").strip(),
        "author": {"name": of.author, "url": of.repository},
        "repository": {"type": "git", "url": of.repository},
        "homepage": of.homepage,
        "documentation": of.homepage,
        "support": of.issues,
        "icon": "icon.png",
        "license": of.license,
        "keywords": of.keywords,
        "server": {
            "type": "uv",
            "entry_point": "akash_mcp/__main__.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "--no-dev", of.name, "serve"],
                "env": _filled_in(),
            },
        },
        "tools": [{"name": spec.name, "description": first_sentence(spec)} for spec in DEFAULT_TOOLS],
        "tools_generated": True,  # other toolsets, and read-only, have other tools
        "prompts_generated": True,
        "compatibility": {"platforms": ["darwin", "win32", "linux"], "runtimes": {"python": of.python}},
        "user_config": {each.setting: _user_config(each) for each in ASKED},
    }


def _filled_in() -> dict[str, str]:
    """The environment of a server whose host fills in what it asked for. An unfilled field counts as not set."""
    return {each.own_variable: f"${{user_config.{each.setting}}}" for each in ASKED}


def _user_config(asked: Asked) -> Json:
    return {
        "type": asked.kind,
        "title": asked.title,
        "description": asked.description,
        "required": False,
        **({"sensitive": True} if asked.secret else {}),
        **({"min": 0} if asked.kind == "number" else {}),
        **({"default": False} if asked.kind == "boolean" else {}),
    }


def claude_marketplace(of: Project) -> Json:
    """`.claude-plugin/marketplace.json`: this repository as a place to install the plugin of Claude Code from."""
    return {
        "name": of.name,
        "description": of.description,
        "owner": {"name": of.author},
        "plugins": [{"name": SERVER, "source": "./plugin", "description": of.description}],
    }


def claude_plugin(of: Project) -> Json:
    """`plugin.json` of the plugin of Claude Code, which keeps the key in the system's keychain."""
    return {
        "name": SERVER,
        "displayName": "Akash",
        "version": of.version,
        "description": of.description,
        "author": {"name": of.author, "url": of.repository},
        "homepage": of.homepage,
        "repository": of.repository,
        "license": of.license,
        "keywords": of.keywords,
        "userConfig": {each.setting: _user_config(each) for each in ASKED},
    }


def claude_plugin_servers(of: Project) -> Json:
    """`.mcp.json` of the plugin."""
    return {"mcpServers": {SERVER: {"command": "uvx", "args": [of.name], "env": _filled_in()}}}


def gemini_extension(of: Project) -> Json:
    """`gemini-extension.json`: the extension of Gemini CLI. It asks for each setting in turn, so only for the key."""
    return {
        "name": of.name,
        "version": of.version,
        "description": of.description,
        "mcpServers": {SERVER: {"command": "uvx", "args": [of.name]}},
        "settings": [
            {"name": each.title, "description": each.description, "envVar": each.variable, "sensitive": True}
            for each in ASKED
            if each.secret
        ],
    }


def manifests(of: Project) -> dict[str, Json]:
    """Every file, by its path in the repository."""
    return {
        "server.json": server_json(of),
        "mcpb/manifest.json": bundle_manifest(of),
        ".claude-plugin/marketplace.json": claude_marketplace(of),
        "plugin/.claude-plugin/plugin.json": claude_plugin(of),
        "plugin/.mcp.json": claude_plugin_servers(of),
        "gemini-extension.json": gemini_extension(of),
    }


def written(content: Json) -> str:
    """A manifest as it stands in its file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def write_all(top: Path = TOP) -> None:
    """Write every manifest anew, and the name in README.md that proves to the registry who owns the PyPI package."""
    of = project()
    for path, content in manifests(of).items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(written(content), encoding="utf-8")
    readme = top / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(re.sub(r"<!-- mcp-name: .* -->", f"<!-- mcp-name: {of.server_name} -->", text), "utf-8")


def publish(folder: Path) -> None:
    """Write `server.json` as it is published, beside the bundle whose hash it holds."""
    of = project()
    digest = hashlib.sha256((folder / of.bundle).read_bytes()).hexdigest()
    (folder / "server.json").write_text(written(server_json(of, digest)), encoding="utf-8")


def main() -> int:
    """Write what was asked for."""
    parser = argparse.ArgumentParser(description="Writes what registries and hosts read of this package.")
    parser.add_argument(
        "--publish", type=Path, metavar="FOLDER", help="only server.json, beside the bundle in FOLDER"
    )
    arguments = parser.parse_args()
    if arguments.publish:
        publish(arguments.publish)
    else:
        write_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
