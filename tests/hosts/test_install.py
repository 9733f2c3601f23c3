"""Installing into every host, with every kind of file that it may have, in a throw-away home."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from installed_program import install_program

from akash_mcp.cli import main
from akash_mcp.cli.hosts.entry import KEY, SERVER
from akash_mcp.cli.hosts.file import read
from akash_mcp.cli.hosts.formats import Put, Tree, Value, at, edited, format_named
from akash_mcp.cli.hosts.install import Scope, Wish, install, uninstall
from akash_mcp.cli.hosts.machine import Machine
from akash_mcp.cli.hosts.table import HOSTS, Host
from akash_mcp.errors import BadArgument, BadSettings

SECRET = "sk-console-0123456789"
IN_FILES = [name for name, host in HOSTS.items() if not host.own_command]
PROJECTS = [name for name, host in HOSTS.items() if host.project is not None]
OTHER: Value = {"command": "other", "args": ["a", "b"]}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A Linux machine whose home is empty, on which akash-mcp is installed."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    install_program(tmp_path / "bin", tmp_path / "record", monkeypatch)
    project = tmp_path / "project"
    project.mkdir()
    return Machine("linux", tmp_path / "home", {"AKASH_API_KEY": SECRET}, project)


def run(name: str, machine: Machine, *words: str, sandbox: bool | None = None, scope: Scope = "user") -> None:
    assert install(name, wish=Wish(words or None, sandbox), write=True, scope=scope, machine=machine) == 0


def take_out(name: str, machine: Machine, *, scope: Scope = "user") -> None:
    assert uninstall(name, write=True, scope=scope, machine=machine) == 0


def given(host: Host, machine: Machine, text: str) -> Path:
    path = host.file(machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def entry_of(host: Host, path: Path) -> Tree:
    tree = read(path, host.format).tree
    entry = at(tree, (*host.keys(tree), SERVER))
    assert isinstance(entry, dict)
    return entry


def with_other(host: Host, bom: str = "", newline: str = "\n") -> str:
    """A file with a comment and somebody else's server."""
    comment = "// mine" if host.format == "jsonc" else "# mine"
    text = edited(format_named(host.format), "", [Put((*host.servers, "other"), OTHER)])
    return bom + f"{comment}\n{text}".replace("\n", newline)


@pytest.mark.parametrize("name", IN_FILES)
def test_a_new_file_has_an_absolute_command_no_key_and_one_reader(
    name: str, machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host = HOSTS[name]
    run(name, machine)
    path = host.file(machine)
    assert host.shape.argv(entry_of(host, path)) == (str(tmp_path / "bin" / "akash-mcp"), "serve")
    assert SECRET not in path.read_text() + capsys.readouterr().out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    take_out(name, machine)
    assert SERVER not in read(path, host.format).text.replace("akash-mcp", "")


@pytest.mark.parametrize(("bom", "newline"), [("", "\n"), ("\ufeff", "\n"), ("", "\r\n")])
@pytest.mark.parametrize("name", IN_FILES)
def test_what_else_is_in_the_file_stays_byte_for_byte(
    name: str, bom: str, newline: str, machine: Machine
) -> None:
    host = HOSTS[name]
    before = with_other(host, bom, newline)
    path = given(host, machine, before)
    path.chmod(0o640)
    run(name, machine)
    after = path.read_bytes().decode()
    assert at(read(path, host.format).tree, (*host.servers, "other")) == OTHER
    assert after.startswith(f"{bom}{'//' if host.format == 'jsonc' else '#'} mine{newline}")
    assert ("\r\n" in after) == (newline == "\r\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    (backup,) = path.parent.glob(f"{path.name}.*.bak")
    assert backup.read_bytes().decode() == before
    take_out(name, machine)
    if host.input is None:
        assert path.read_bytes().decode() == before
    else:
        assert read(path, host.format).tree == {**json.loads(before.split("mine")[1]), "inputs": []}


@pytest.mark.parametrize("name", IN_FILES)
def test_a_second_time_changes_nothing(
    name: str, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    run(name, machine, "--max-usd-per-day", "5")
    path = HOSTS[name].file(machine)
    text = path.read_text()
    run(name, machine)
    assert path.read_text() == text
    assert [path] == list(path.parent.iterdir())
    assert "nothing changed" in capsys.readouterr().out


@pytest.mark.parametrize("name", IN_FILES)
def test_an_older_entry_gets_the_command_and_keeps_the_rest(
    name: str, machine: Machine, tmp_path: Path
) -> None:
    host = HOSTS[name]
    variables = {KEY: SECRET, "AKASH_MCP_MAX_USD_PER_DAY": "1"}
    own: Tree = {**host.shape.beside, "mine": "kept", next(iter(host.shape.key), "env"): variables}
    words = ["/old/akash-mcp", "serve", "--read-only"]
    own |= (
        {host.shape.command: words}
        if host.shape.args is None
        else {host.shape.command: words[0], host.shape.args: words[1:]}
    )
    text = edited(format_named(host.format), "", [Put((*host.servers, SERVER), own)])
    path = given(host, machine, text)
    run(name, machine)
    after = entry_of(host, path)
    assert host.shape.argv(after) == (str(tmp_path / "bin" / "akash-mcp"), "serve", "--read-only")
    assert {key: after[key] for key in own if key not in (host.shape.command, host.shape.args)} == {
        key: value for key, value in own.items() if key not in (host.shape.command, host.shape.args)
    }


BAD = {
    "jsonc": {
        "broken": '{{\n"a": ',
        "a list": "[1]",
        "of another type": '{{"{servers}": 3}}',
        "not UTF-8": "{{}}",
        "deep": '{{"a": ' + "[" * 9_999 + "]" * 9_999 + "}}",
        "a long number": '{{"a": ' + "9" * 9_999 + "}}",
    },
    "toml": {
        "broken": "a = 1\nb = ",
        "a list": "[[",
        "of another type": "{servers} = 3\n",
        "not UTF-8": "",
        "deep": "a = " + "[" * 9_999 + "]" * 9_999,
        "a long number": "a = " + "9" * 9_999,
    },
    "yaml": {
        "broken": "b: [1,\n",
        "a list": "- 1",
        "of another type": "{servers}: 3\n",
        "not UTF-8": "",
        "deep": "a: " + "[" * 9_999 + "]" * 9_999,
        "a long number": "a: " + "9" * 9_999,
    },
}


@pytest.mark.parametrize("name", IN_FILES)
@pytest.mark.parametrize("kind", BAD["jsonc"])
def test_a_file_that_cannot_be_merged_is_left_as_it_is(name: str, kind: str, machine: Machine) -> None:
    host = HOSTS[name]
    texts = BAD[host.format]
    path = host.file(machine)
    path.parent.mkdir(parents=True)
    path.write_bytes(
        texts[kind].format(servers=host.servers[0]).encode("utf-16" if kind == "not UTF-8" else "utf-8")
    )
    text = path.read_bytes()
    with pytest.raises(BadSettings, match="Nothing was written") as told:
        run(name, machine)
    assert str(path) in told.value.what
    assert told.value.next_step
    assert path.read_bytes() == text
    assert list(path.parent.iterdir()) == [path]


def test_the_sandbox_comes_and_goes_with_the_name_of_the_key(machine: Machine) -> None:
    host = HOSTS["cursor"]
    path = host.file(machine)
    run("cursor", machine, "--max-usd-per-day", "5", sandbox=True)
    assert entry_of(host, path)["args"] == ["serve", "--sandbox", "--max-usd-per-day", "5"]
    assert "env" not in entry_of(host, path)
    run("cursor", machine)
    assert "--sandbox" in path.read_text()
    run("cursor", machine, sandbox=False)
    assert entry_of(host, path)["args"] == ["serve", "--max-usd-per-day", "5"]
    assert entry_of(host, path)["env"] == {KEY: "${env:AKASH_API_KEY}"}


@pytest.mark.parametrize(
    ("words", "key", "token"),
    [
        ((), True, False),
        (("--toolsets", "deploy,akua"), True, True),
        (("--toolsets=akua, akua-clusters",), False, True),
        (("--toolsets", "akua", "--toolsets", "deploy"), True, False),
    ],
)
def test_whose_key_is_needed_is_told_by_the_toolsets(
    words: tuple[str, ...], key: bool, token: bool, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    run("cursor", machine, *words)
    said = capsys.readouterr().out
    assert ("akash-mcp login once" in said) == key
    assert ("akash-mcp login --akua once" in said) == token


def test_the_sandbox_may_be_among_the_arguments_too(machine: Machine) -> None:
    run("zed", machine, "--read-only", "--sandbox")
    assert entry_of(HOSTS["zed"], HOSTS["zed"].file(machine))["args"] == ["serve", "--sandbox", "--read-only"]


def test_the_sandbox_needs_no_input_of_vscode(machine: Machine) -> None:
    run("vscode", machine, sandbox=True)
    assert "inputs" not in HOSTS["vscode"].file(machine).read_text()
    run("vscode", machine, sandbox=False)
    assert HOSTS["vscode"].file(machine).read_text().count("akash-api-key") == 2


def test_an_input_that_somebody_else_uses_too_stays(machine: Machine) -> None:
    run("vscode", machine)
    path = HOSTS["vscode"].file(machine)
    shared: Value = {"command": "x", "env": {"A": "${input:akash-api-key}"}}
    path.write_text(edited(format_named("jsonc"), path.read_text(), [Put(("servers", "other"), shared)]))
    take_out("vscode", machine)
    assert [at(each, ("id",)) for each in json.loads(path.read_text())["inputs"]] == ["akash-api-key"]


def test_the_second_generation_of_opencode_has_its_servers_a_level_deeper(machine: Machine) -> None:
    host = HOSTS["opencode"]
    path = given(host, machine, '{"mcp": {"servers": {"o": {"type": "local", "command": ["o"]}}}}')
    run("opencode", machine)
    assert at(json.loads(path.read_text()), ("mcp", "servers", SERVER, "environment")) == {
        KEY: "{env:AKASH_API_KEY}"
    }
    assert "timeout" not in path.read_text()
    take_out("opencode", machine)
    assert SERVER not in path.read_text()


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_has_its_own_file(name: str, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    host = HOSTS[name]
    assert host.project is not None
    run(name, machine, scope="project")
    path = machine.project / host.project
    assert host.shape.argv(entry_of(host, path))[1:] == ("serve",)
    assert "Whoever shares this project" in capsys.readouterr().out
    take_out(name, machine, scope="project")
    assert SERVER not in path.read_text().replace("akash-api-key", "")
    assert not machine.home.exists()


def test_a_host_without_projects_says_so(machine: Machine) -> None:
    with pytest.raises(BadArgument, match="Zed has no configuration of a project"):
        run("zed", machine, scope="project")


def test_a_link_to_the_file_stays_a_link(machine: Machine, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    path = HOSTS["cursor"].file(machine)
    path.parent.mkdir(parents=True)
    path.symlink_to(real)
    run("cursor", machine)
    assert path.is_symlink()
    assert SERVER in real.read_text()


def test_a_key_that_stands_in_the_file_is_told_and_not_shown(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    given(
        HOSTS["cursor"], machine, json.dumps({"mcpServers": {SERVER: {"command": "x", "env": {KEY: SECRET}}}})
    )
    run("cursor", machine)
    out = capsys.readouterr().out
    assert "AKASH_API_KEY is written out in that file: run akash-mcp login" in out
    assert SECRET not in out


def test_what_is_shown_holds_nothing_of_what_a_person_put_into_theirs(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    given(
        HOSTS["cursor"], machine, json.dumps({"mcpServers": {SERVER: {"command": "x", "env": {KEY: SECRET}}}})
    )
    install("cursor", wish=Wish(), write=False, scope="user", machine=machine)
    out, err = capsys.readouterr()
    assert SECRET not in out + err


def test_other_arguments_than_before_are_said(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    run("cursor", machine, "--max-usd-per-day", "1")
    run("cursor", machine, "--read-only")
    assert (
        "started with “--max-usd-per-day 1”, and is started with “--read-only” now" in capsys.readouterr().out
    )


def test_limits_of_this_shell_are_said_not_to_reach_the_host(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    here = Machine("linux", machine.home, {"AKASH_MCP_MAX_USD_PER_DAY": "1"}, machine.project)
    run("zed", here)
    assert "AKASH_MCP_MAX_USD_PER_DAY of this shell may not reach" in capsys.readouterr().out


@pytest.mark.parametrize("name", IN_FILES)
def test_without_write_nothing_is_written(
    name: str, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    install(name, wish=Wish(), write=False, scope="user", machine=machine)
    uninstall(name, write=False, scope="user", machine=machine)
    shown = format_named(HOSTS[name].format).parse(
        capsys.readouterr().out.rsplit(f"{HOSTS[name].title} has no", 1)[0]
    )
    assert at(shown, (*HOSTS[name].servers, SERVER)) is not None
    assert not machine.home.exists()


def test_where_hosts_look_on_each_system(tmp_path: Path) -> None:
    windows = {"APPDATA": str(tmp_path / "Roaming"), "LOCALAPPDATA": str(tmp_path / "Local")}
    files = {
        name: tuple(
            host.file(Machine(platform, tmp_path, environ, tmp_path)).relative_to(tmp_path).as_posix()
            for platform, environ in (("linux", {}), ("darwin", {}), ("win32", windows))
        )
        for name, host in HOSTS.items()
    }
    support = "Library/Application Support"
    code = "User/mcp.json"
    assert files == {
        "claude-code": (".claude.json",) * 3,
        "claude-desktop": tuple(
            f"{folder}/Claude/claude_desktop_config.json" for folder in (".config", support, "Roaming")
        ),
        "cursor": (".cursor/mcp.json",) * 3,
        "vscode": (f".config/Code/{code}", f"{support}/Code/{code}", f"Roaming/Code/{code}"),
        "vscode-insiders": tuple(
            f"{folder}/Code - Insiders/{code}" for folder in (".config", support, "Roaming")
        ),
        "codex": (".codex/config.toml",) * 3,
        "copilot-cli": (".copilot/mcp-config.json",) * 3,
        "opencode": (".config/opencode/opencode.json",) * 3,
        "antigravity": (".gemini/config/mcp_config.json",) * 3,
        "gemini-cli": (".gemini/settings.json",) * 3,
        "goose": (".config/goose/config.yaml",) * 2 + ("Roaming/Block/goose/config/config.yaml",),
        "zed": (".config/zed/settings.json",) * 2 + ("Roaming/Zed/settings.json",),
        "lm-studio": (".lmstudio/mcp.json",) * 3,
        "cline": (".cline/data/settings/cline_mcp_settings.json",) * 3,
        "windsurf": (".codeium/windsurf/mcp_config.json",) * 3,
    }


def test_a_packaged_claude_desktop_has_its_own_folder(tmp_path: Path) -> None:
    machine = Machine("win32", tmp_path, {}, tmp_path)
    package = tmp_path / "AppData/Local/Packages/Claude_pzs8sxrjxfjjc"
    package.mkdir(parents=True)
    (tmp_path / "AppData/Roaming/Claude").mkdir(parents=True)  # left over from before
    assert (
        HOSTS["claude-desktop"].file(machine)
        == package / "LocalCache/Roaming/Claude/claude_desktop_config.json"
    )


@pytest.mark.parametrize(
    ("name", "variable", "file"),
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", ".claude.json"),
        ("codex", "CODEX_HOME", "config.toml"),
        ("copilot-cli", "COPILOT_HOME", "mcp-config.json"),
        ("opencode", "XDG_CONFIG_HOME", "opencode/opencode.json"),
        ("zed", "XDG_CONFIG_HOME", "zed/settings.json"),
        ("goose", "XDG_CONFIG_HOME", "goose/config.yaml"),
    ],
)
def test_a_folder_that_a_person_named_is_where_the_host_looks(
    name: str, variable: str, file: str, tmp_path: Path
) -> None:
    machine = Machine("linux", tmp_path, {variable: "~/elsewhere"}, tmp_path)
    assert HOSTS[name].file(machine) == tmp_path / "elsewhere" / file


def test_arguments_behind_the_dashes_are_checked_by_serve(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(machine.home))
    for name in ("XDG_CONFIG_HOME", "AKASH_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for wrong in (["--max-usd-per-da", "5"], ["--max-usd-per-day", "lots"]):
        with pytest.raises(SystemExit) as ended:
            main.main(["install", "cursor", "--write", "--", *wrong])
        assert ended.value.code == 2
    assert main.main(["install", "cursor", "--write", "--", "--transport", "http"]) == 1
    assert "over stdio" in capsys.readouterr().err
    assert not machine.home.exists()
    assert main.main(["install", "cursor", "--write", "--sandbox", "--", "--max-usd-per-day", "5"]) == 0
    path = machine.home / ".cursor" / "mcp.json"
    assert json.loads(path.read_text())["mcpServers"]["akash"]["args"][1:] == [
        "--sandbox",
        "--max-usd-per-day",
        "5",
    ]
    assert main.main(["install", "--list"]) == 0
    assert "cursor: configured" in capsys.readouterr().out
    assert main.main(["uninstall", "cursor", "--write"]) == 0


def test_an_unknown_host_is_told_which_there_are(machine: Machine) -> None:
    with pytest.raises(BadSettings) as told:
        run("emacs", machine)
    assert all(name in told.value.next_step for name in HOSTS)


def test_a_server_at_an_address_is_not_made_one_to_start(machine: Machine) -> None:
    text = json.dumps({"mcpServers": {SERVER: {"url": "https://mcp.example.org/mcp"}}})
    path = given(HOSTS["cursor"], machine, text)
    with pytest.raises(BadSettings, match="a server at an address"):
        run("cursor", machine)
    assert path.read_text() == text


def test_what_the_host_wrote_meanwhile_is_not_lost(machine: Machine) -> None:
    path = given(HOSTS["cursor"], machine, "{}")
    file = read(path, "jsonc")
    path.write_text('{"mine": 1}')
    with pytest.raises(BadSettings, match="changed by another program"):
        file.write("{}")
    assert path.read_text() == '{"mine": 1}'


def test_a_full_disk_leaves_the_file_as_it_was(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    path = given(HOSTS["cursor"], machine, "{}")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(BadSettings, match=r"No space left on device.*as it was"):
        run("cursor", machine)
    assert path.read_text() == "{}"
