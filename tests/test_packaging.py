from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from akash_mcp import data

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.timeout(180)


def run(*words: str | Path, cwd: Path = ROOT, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)], cwd=cwd, env=environ, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel, built from the source distribution, as a release is."""
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--no-isolation", "--outdir", folder)
    return folder


def wheel(built: Path) -> Path:
    (path,) = built.glob("akash_mcp-*.whl")
    return path


def test_the_wheel_carries_prompts_examples_guide_types_and_licence(built: Path) -> None:
    names = set(zipfile.ZipFile(wheel(built)).namelist())
    for folder, place in (("prompts", data.prompts_dir()), ("examples", data.examples_dir())):
        assert {
            f"akash_mcp/_data/{folder}/{path.name}" for path in place.iterdir() if path.is_file()
        } <= names
    assert {"akash_mcp/py.typed", "akash_mcp/_data/docs/sdl.md"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_carries_nothing_else(built: Path) -> None:
    names = zipfile.ZipFile(wheel(built)).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"akash_mcp"}
    assert not [name for name in names if name.endswith(".pyc")]


def test_what_pypi_shows_leads_out_of_pypi_and_says_whose_it_is(built: Path) -> None:
    archive = zipfile.ZipFile(wheel(built))
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    page = email.message_from_bytes(archive.read(name))
    text = page.get_payload()
    assert isinstance(text, str)
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert targets
    assert all(target.startswith(("https://", "#")) for target in targets)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    inside = f"{project['urls']['Repository']}/blob/v{project['version']}/"
    local = [target.removeprefix(inside).partition("#")[0] for target in targets if target.startswith(inside)]
    assert "docs/settings.md" in local
    assert all((ROOT / path).exists() for path in local)
    assert page["Author"] == "akash-mcp maintainers"
    assert "mcp-name: io.github." in text


def test_the_source_distribution_can_be_tested(built: Path) -> None:
    (path,) = built.glob("akash_mcp-*.tar.gz")
    with tarfile.open(path) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {"akash_mcp", "prompts", "examples", "tests", "LICENSE", "pyproject.toml"} <= tops
    assert ".venv" not in tops


def test_an_installed_wheel_finds_its_prompts_and_examples(built: Path, tmp_path: Path) -> None:
    run("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", tmp_path, wheel(built))
    code = (
        "import akash_mcp\n"
        "from akash_mcp.cli.main import main\n"
        "from akash_mcp.data import examples_dir, prompts_dir\n"
        "print(akash_mcp.__file__, prompts_dir(), examples_dir(), sep='\\n')\n"
    )
    environ = os.environ | {"PYTHONPATH": str(tmp_path)}
    found = run("-c", code, cwd=tmp_path, environ=environ).splitlines()
    assert [Path(place).relative_to(tmp_path).parts for place in found] == [
        ("akash_mcp", "__init__.py"),
        ("akash_mcp", "_data", "prompts"),
        ("akash_mcp", "_data", "examples"),
    ]
    assert {path.name for path in Path(found[1]).glob("*.md")} == {
        path.name for path in (ROOT / "prompts").glob("*.md")
    }
    assert (Path(found[2]) / "web.yaml").is_file()


def test_contributing_says_why_each_dependency_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[<>=]", line)[0] for line in project["dependencies"]}
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = page.partition("\n## Dependencies\n")[2].partition("\n## ")[0]
    rows = re.findall(r"(?m)^\| ((?:`[^`]+`(?:, )?)+) \|", part)
    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row)} == needed
