"""`--check-images`: registries are asked, on request only, and what they say decides the status and the draft."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring_in_a_file import Unrecommended
from registry_server import PASSWORD, USER, Registry, running

from akash_mcp.cli import main
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.sanitize import secrets
from akash_mcp.sdl import check
from akash_mcp.sdl.author.draft import draft


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def registry(server: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A registry on a machine that trusts it, whose person has its password as a secret."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority_file))
    monkeypatch.setenv("AKASH_MCP_ALLOW_PRIVATE_PROVIDERS", "127.0.0.0/8")
    monkeypatch.setenv("AKASH_MCP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    root, before = logging.getLogger(), keyring.get_keyring()
    handlers, level = root.handlers[:], root.level
    keyring.set_keyring(Unrecommended())
    SecretStore(tmp_path / "state", lambda: 0.0).set("TOKEN", PASSWORD)
    server.clear()
    server.challenge = f'Bearer realm="https://{host(server)}/token"'
    server.manifests.clear()
    server.push("team/app", "1.2", "linux/amd64", "linux/arm64")
    server.push("team/arm", "1", "linux/arm64", "linux/arm")
    yield server
    secrets.known.forget(PASSWORD)
    keyring.set_keyring(before)
    root.handlers[:] = handlers
    root.setLevel(level)


def host(registry: Registry) -> str:
    return f"127.0.0.1:{registry.port}"


def login(registry: Registry) -> str:
    return f"{host(registry)}={USER}:secret://TOKEN"


@pytest.fixture
def sdl(registry: Registry, tmp_path: Path) -> Path:
    file = tmp_path / "app.yaml"
    file.write_text(draft(f"{host(registry)}/team/app:1.2").sdl)
    return file


def test_nobody_is_asked_unless_it_is_wanted(
    registry: Registry, sdl: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["lint", str(sdl)]) == 0
    assert main.main(["draft", "--image", f"{host(registry)}/team/app:1.2"]) == 0
    assert not registry.asked


def test_lint_tells_of_each_image_whether_it_can_be_pulled(
    registry: Registry, sdl: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["lint", "--check-images", str(sdl)]) == 0
    line = f"image {host(registry)}/team/app:1.2 is there for linux/amd64, and can be pulled by anybody"
    assert f"{sdl}: {line}\n" in capsys.readouterr().out
    sdl.write_text(sdl.read_text().replace("app:1.2", "app:1.4"))
    assert main.main(["lint", "--check-images", str(sdl)]) == 1
    assert "is not there: no such tag; there are 1.2" in capsys.readouterr().out


def test_what_is_unknown_is_said_and_refuses_nothing(
    registry: Registry, sdl: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AKASH_MCP_ALLOW_PRIVATE_PROVIDERS")
    assert main.main(["lint", "--check-images", str(sdl)]) == 0
    assert "was not asked about" in capsys.readouterr().out
    assert not registry.asked


def test_lint_tells_a_program_all_of_it(
    registry: Registry, sdl: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["lint", "--check-images", "--json", str(sdl)]) == 0
    (image,) = json.loads(capsys.readouterr().out)["images"]
    assert (image["services"], image["outcome"]) == (["app"], "can_be_pulled")
    assert image["config"]["volumes"] == ["/var/lib/app"]
    assert image["digest"].startswith("sha256:")
    assert main.main(["lint", "--json", str(sdl)]) == 0
    assert "images" not in json.loads(capsys.readouterr().out)
    sdl.write_text("nothing")
    assert main.main(["lint", "--check-images", "--json", str(sdl)]) == 1
    assert json.loads(capsys.readouterr().out)["images"] == []


def test_the_credentials_of_a_file_go_nowhere_that_the_person_does_not_name(
    registry: Registry, sdl: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.private.add("team/app")
    sdl.write_text(draft(f"{host(registry)}/team/app:1.2", registry=login(registry)).sdl)
    assert main.main(["lint", "--check-images", str(sdl)]) == 0
    assert (
        f"only where you name it: --registry {host(registry)}=USER:secret://NAME" in capsys.readouterr().out
    )
    assert not registry.asked
    assert main.main(["lint", "--check-images", "--registry", login(registry), str(sdl)]) == 0
    said = capsys.readouterr()
    assert "can be pulled with these credentials" in said.out
    assert PASSWORD not in said.out + said.err


def test_a_secret_that_is_not_stored_is_told(
    registry: Registry, sdl: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = login(registry).replace("TOKEN", "GONE")
    assert main.main(["lint", "--check-images", "--registry", missing, str(sdl)]) == 0
    assert "was not asked about: Secret GONE is not stored" in capsys.readouterr().out


def test_a_draft_is_made_of_what_the_image_says(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--image", f"{host(registry)}/team/app:1.2", "--registry", login(registry), "--mount", "/data"]
    assert main.main(["draft", "--check-images", *words]) == 0
    said = capsys.readouterr()
    assert check(said.out).ok
    assert "- port: 8080\n" in said.out
    assert "Port 8080 is what the image says that it listens on, besides 9000." in said.err
    assert "The image keeps data in /var/lib/app" in said.err
    assert "runs as user node" in said.err
    assert "can be pulled with these credentials" in said.err
    assert PASSWORD not in said.out + said.err


def test_a_draft_of_what_cannot_run_is_written_and_refused(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["draft", "--check-images", "--image", f"{host(registry)}/team/arm:1"]) == 1
    said = capsys.readouterr()
    assert check(said.out).ok
    assert "it is for linux/arm64, linux/arm" in said.err


def test_import_checks_what_it_writes(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compose.yaml"
    app, none = (f"{host(registry)}/team/{each}" for each in ("app:1.2", "none:1"))
    file.write_text(f"services: {{a: {{image: '{app}'}}, b: {{image: '{app}'}}, c: {{image: '{none}'}}}}")
    registry.private.add("team/app")
    assert main.main(["import", "--check-images", "--registry", login(registry), str(file)]) == 1
    said = capsys.readouterr()
    assert said.err.count(f"image {app} is there for linux/amd64, and can be pulled with") == 1
    assert f"image {none} is not there\n" in said.err
    assert main.main(["import", "--check-images", "--json", str(file)]) == 1
    images = json.loads(capsys.readouterr().out)["images"]
    assert [each["outcome"] for each in images] == ["needs_credentials", "not_there"]
    assert images[0]["services"] == ["a", "b"]
