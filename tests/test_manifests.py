"""What registries and hosts read of the package agrees with it, and with what they ask for.

`UPDATE_SNAPSHOTS=1` writes the manifests and the links of the README anew.
"""

from __future__ import annotations

import base64
import json
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema
import pytest
from install_links import install_links, readme_badges, site_links
from manifests import ASKED, Json, bundle_manifest, manifests, project, server_json, write_all, written

import akash_mcp
from akash_mcp import config
from akash_mcp.money import Usd

TOP = Path(__file__).parent.parent
OF = project()
RULES = json.loads((Path(__file__).parent / "data" / "server_json_rules.json").read_text(encoding="utf-8"))
TEXT = {".md", ".toml", ".json", ".py"}
UPDATE = bool(os.environ.get("UPDATE_SNAPSHOTS"))


@pytest.fixture(scope="module", autouse=True)
def renewed() -> None:
    if UPDATE:
        write_all()
        _write_links("README.md", "badges", readme_badges(OF.name))
        _write_links("docs/index.md", "links", site_links(OF.name))


def _write_links(name: str, mark: str, links: str) -> None:
    text = (TOP / name).read_text(encoding="utf-8")
    before, begin, rest = text.partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition("\n<!-- end -->")
    (TOP / name).write_text(before + begin + links + end + after, encoding="utf-8")


@pytest.mark.parametrize("path", manifests(OF))
def test_a_manifest_is_what_the_package_says(path: str) -> None:
    assert (TOP / path).read_text(encoding="utf-8") == written(manifests(OF)[path]), "run make manifests"


def test_the_repository_has_one_owner_everywhere() -> None:
    named = re.compile(
        r"(?:github\.com/|githubusercontent\.com/|ghcr\.io/|io\.github\.|marketplace add |https://)"
        r"([\w-]+)(?:/|\.github\.io/)akash-mcp\b"
    )
    places = [
        *(path for path in TOP.glob("*") if path.suffix in TEXT or path.name == "Containerfile"),
        *(TOP / path for path in manifests(OF)),
        *(
            path
            for folder in ("akash_mcp", "docs", "plugin", "scripts")
            for path in (TOP / folder).rglob("*")
        ),
    ]
    owners = {
        (owner, path.relative_to(TOP).as_posix())
        for path in places
        if path.suffix in TEXT or path.name == "Containerfile"
        for owner in named.findall(path.read_text(encoding="utf-8"))
    }
    ours = OF.owner_and_name.split("/")[0]
    assert [place for place in sorted(owners) if place[0] not in (ours, "OWNER")] == []
    assert len(owners) > 8


def test_the_version_is_one_everywhere() -> None:
    changes = (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"(?m)^## (\S+?),? ", changes)
    assert newest is not None
    assert {OF.version} == {akash_mcp.__version__, newest[1]}
    assert OF.image in (TOP / "docs" / "container.md").read_text(encoding="utf-8")
    urls = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    assert all(url.startswith((OF.repository, OF.homepage)) for url in urls.values())


def test_the_readme_proves_to_the_registry_whose_package_it_is() -> None:
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"mcp-name: (\S+)", readme) == [server_json(OF)["name"]]


def _no_hash(server: Json) -> None:
    del server["packages"][2]["fileSha256"]


def _long_description(server: Json) -> None:
    server["description"] = "x" * 101


def _version_range(server: Json) -> None:
    server["packages"][0]["version"] = "^0.1.0"


def _image_without_registry(server: Json) -> None:
    server["packages"][1]["identifier"] = "akash-mcp:0.1.0"


def _snake_case(server: Json) -> None:
    server["packages"][0]["environment_variables"] = []


def _two_slashes(server: Json) -> None:
    server["name"] = "io.github.akash-mcp/akash-mcp/x"


def test_what_is_published_keeps_the_rules_of_the_registry() -> None:
    jsonschema.validate(server_json(OF, "0" * 64), RULES)


@pytest.mark.parametrize(
    "change",
    [_no_hash, _long_description, _version_range, _image_without_registry, _snake_case, _two_slashes],
)
def test_the_rules_of_the_registry_refuse(change: Callable[[Json], None]) -> None:
    server = server_json(OF, "0" * 64)
    change(server)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(server, RULES)


def test_only_keys_are_secret_and_nothing_is_required() -> None:
    variables = server_json(OF)["packages"][0]["environmentVariables"]
    assert [each["name"] for each in variables if each["isSecret"]] == ["AKASH_API_KEY", "AKUA_API_TOKEN"]
    assert not any(each["isRequired"] for each in variables)
    asked = bundle_manifest(OF)["user_config"]
    assert [name for name, each in asked.items() if each.get("sensitive")] == ["api_key"]
    assert not any(each["required"] for each in asked.values())


def test_akua_is_named_to_the_registry_and_asked_of_nobody() -> None:
    pypi, image, _ = server_json(OF)["packages"]
    for package in (pypi, image):
        names = [each["name"] for each in package["environmentVariables"]]
        assert names[-2:] == ["AKUA_API_TOKEN", "AKUA_WORKSPACE"]
    others = {path: content for path, content in manifests(OF).items() if path != "server.json"}
    assert "akua" not in json.dumps(others).lower()


def test_what_a_host_fills_in_arrives_as_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    values = {"api_key": "made-up", "max_usd_per_deployment": "2", "max_usd_per_day": "5", "sandbox": "true"}
    environ = {
        variable: re.sub(r"\$\{user_config\.(\w+)\}", lambda m: values.get(m[1], "false"), value)
        for variable, value in bundle_manifest(OF)["server"]["mcp_config"]["env"].items()
    }
    settings = config.load(environ=environ)
    assert settings.api_key is not None
    assert settings.max_usd_per_day == Usd(5)
    assert settings.sandbox
    assert not settings.read_only


def test_a_limit_that_is_asked_for_names_the_default_and_sets_none() -> None:
    for each in ASKED:
        if each.kind == "number":
            default = config.Settings.model_fields[each.setting].default
            assert f"Empty: {default.exact()}." in each.description
    asked_for = bundle_manifest(OF)["user_config"].values()
    assert all("default" not in asked for asked in asked_for if asked["type"] == "number")


def test_the_icon_of_the_plugin_is_the_one_of_the_site() -> None:
    icon = (TOP / "docs" / "icon.png").read_bytes()
    assert (TOP / "plugin" / ".claude-plugin" / "icon.png").read_bytes() == icon
    assert icon[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_links_of_the_readme_are_those_that_hosts_take() -> None:
    assert readme_badges(OF.name) in (TOP / "README.md").read_text(encoding="utf-8")
    assert site_links(OF.name) in (TOP / "docs" / "index.md").read_text(encoding="utf-8")


def _server_of(link: str) -> dict[str, Any]:
    """What a host makes of its link."""
    parts = urlsplit(link)
    if parts.scheme.startswith("vscode"):
        config: dict[str, Any] = json.loads(unquote(parts.query))
        return config
    query = parse_qs(parts.query)
    if parts.scheme == "goose":
        return {"command": query["cmd"][0], "args": query["arg"], "name": query["id"][0]}
    return {**json.loads(base64.b64decode(query["config"][0])), "name": query["name"][0]}


@pytest.mark.parametrize("link", install_links(OF.name), ids=lambda link: link.host)
def test_a_link_runs_the_package_and_its_page_opens_that_link(link: Any) -> None:
    server = _server_of(link.link)
    assert (server["name"], server["command"], server["args"]) == ("akash", "uvx", [OF.name])
    assert link.page.startswith("https://")
    query = urlsplit(link.link).query
    assert query in link.page or link.link == parse_qs(urlsplit(link.page).query)["url"][0]


def test_vscode_asks_for_the_key_and_hides_it() -> None:
    (link,) = (link for link in install_links(OF.name) if link.host == "VS Code")
    server = _server_of(link.link)
    (asked,) = server["inputs"]
    assert server["env"]["AKASH_API_KEY"] == f"${{input:{asked['id']}}}"
    assert asked["password"] is True
