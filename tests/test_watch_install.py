"""What keeps the watch running: written for each system by its own rules, without a key, and taken back whole."""

from __future__ import annotations

import json
import os
import plistlib
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from installed_program import install_program

from akash_mcp.cli import main, watch_install
from akash_mcp.cli.watch_units import NAME, environment_file, unit_of
from akash_mcp.errors import BadSettings

KEY = "sk-console-0123456789"
PLATFORMS = ["linux", "darwin", "win32"]
ODD = 'O\'Brien & söhne %h $HOME "x" \\ *[a]{b,c}'

# Writes down how it was called, and refuses what the test said.
RECORDER = """#!{python}
import json, os, sys
name = os.path.basename(sys.argv[0])
with open(os.environ["RECORD"], "a") as file:
    file.write(json.dumps([name, *sys.argv[1:]]) + "\\n")
refused = os.environ.get("REFUSED", "")
if refused and refused in sys.argv:
    sys.exit(f"cannot {{refused}}: \\x1b[31mno bus")
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own with an installed `akash-mcp`, and nothing on the PATH but what records how it is called."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        if name.startswith(("AKASH_", "XDG_")):
            monkeypatch.delenv(name)
    system = tmp_path / "system"
    for folder in (home / "bin", system):
        folder.mkdir(parents=True)
    command(home / "bin")
    install_program(home / "bin", tmp_path / "record of it", monkeypatch)
    for name in ("systemctl", "launchctl", "schtasks"):
        program(system / name, RECORDER.format(python=sys.executable))
    monkeypatch.setenv("PATH", str(system))
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setenv("AKASH_API_KEY", KEY)
    return home


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def command(folder: Path) -> None:
    """An `akash-mcp`, under its names on all systems, that prints its arguments and what it was told by variables."""
    text = 'import json, os, sys\nours = {name: os.environ[name] for name in os.environ if name.startswith("AKASH")}\n'
    for name in ("akash-mcp", "akash-mcp.exe"):
        program(folder / name, f"#!{sys.executable}\n{text}print(json.dumps([sys.argv[1:], ours]))\n")


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[list[str]]]:
    def read() -> list[list[str]]:
        record = tmp_path / "record"
        return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []

    return read


def files(folder: Path) -> dict[Path, bytes]:
    """All files below a folder, but for the installed program."""
    return {
        path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.parent.name != "bin"
    }


def in_config_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is where every process of this user finds it, and not in the environment."""
    monkeypatch.delenv("AKASH_API_KEY")
    file = platformdirs.user_config_path("akash-mcp", appauthor=False) / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'api_key = "{KEY}"\n')
    file.chmod(0o600)


# ── what is written, and where the key is ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_unit_holds_the_key(
    platform: str, home: Path, calls: Callable[[], list[list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    watch_install.install(platform=platform)
    holding = [path.name for path, content in files(home).items() if KEY.encode() in content]
    assert holding == ([] if platform == "win32" else ["watch.env"])
    out, err = capsys.readouterr()
    assert KEY not in out + err + json.dumps(calls())
    assert "To remove it: akash-mcp watch --uninstall." in out
    assert "Its log: " in out


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_environment_is_the_owners_only_also_where_it_was_not(platform: str, home: Path) -> None:
    watch_install.install(platform=platform)
    (file,) = home.rglob("watch.env")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    watch_install.install(platform=platform)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_key_in_the_configuration_file_stays_there(
    platform: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watch_install.install(platform=platform)  # with the key of the environment, at first
    in_config_file(monkeypatch)
    watch_install.install(platform=platform)
    assert not list(home.rglob("watch.env"))
    (unit,) = [path for path in files(home) if path.name.startswith(NAME)]
    assert "watch.env" not in unit.read_text()


def test_what_decides_where_the_ledger_is_goes_along_and_a_servers_token_does_not(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.toml").write_text("max_usd_per_day = 3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AKASH_MCP_CONFIG", "other.toml")
    monkeypatch.setenv("AKASH_MCP_STATE_DIR", str(tmp_path / "my state"))
    monkeypatch.setenv("AKASH_MCP_TOKEN", "a-token-of-the-server")
    monkeypatch.setenv("AKASH_MCP_MAX_USD_PER_DAY", " ")
    watch_install.install(platform="linux")
    (file,) = home.rglob("watch.env")
    assert file.read_text().splitlines()[1:] == [
        f'AKASH_API_KEY="{KEY}"',
        f'AKASH_MCP_CONFIG="{tmp_path / "other.toml"}"',
        f'AKASH_MCP_STATE_DIR="{tmp_path / "my state"}"',
    ]


def test_without_a_key_nothing_is_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AKASH_API_KEY")
    with pytest.raises(BadSettings, match="no Console API key"):
        watch_install.install(platform="linux")
    assert files(home) == {}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_printing_shows_the_unit_and_changes_nothing(
    platform: str, home: Path, calls: Callable[[], list[list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    watch_install.install(platform=platform, only_print=True, every=7)
    out, err = capsys.readouterr()
    assert str(home / "bin" / "akash-mcp") in out
    assert "--every" in out
    assert KEY not in out + err
    assert files(home) == {}
    assert calls() == []


# ── each system by its own rules ─────────────────────────────────────────────────────────────────────────────────────


def test_systemd_takes_the_unit_up_now_and_at_each_login(
    home: Path, calls: Callable[[], list[list[str]]]
) -> None:
    watch_install.install(platform="linux", every=7)
    text = (home / ".config" / "systemd" / "user" / f"{NAME}.service").read_text()
    assert f'ExecStart="{home}/bin/akash-mcp" "watch" "--every" "7"\n' in text
    assert f"EnvironmentFile={home}/.config/akash-mcp/watch.env\n" in text
    assert "WantedBy=default.target" in text
    assert calls() == [
        ["systemctl", "--user", "show-environment"],
        ["systemctl", "--user", "daemon-reload"],
        ["systemctl", "--user", "enable", f"{NAME}.service"],
        ["systemctl", "--user", "restart", f"{NAME}.service"],
    ]


@pytest.mark.skipif(
    not (ANALYZE := shutil.which("systemd-analyze")),
    reason="only systemd itself can say what it reads in a unit",
)
@pytest.mark.parametrize(
    "folder", ["plain", "with space", 'quo"te', "O'Brien", "back\\", "per%cent%n", "$HOME$$", "ß", "#;", ODD]
)
def test_systemd_finds_the_program_whatever_its_folder_is_called(tmp_path: Path, folder: str) -> None:
    where = tmp_path / folder
    where.mkdir()
    command(where)
    file = tmp_path / f"{NAME}.service"
    unit = unit_of("linux", (str(where / "akash-mcp"), "watch", "--every", "5"), where / "watch.env", {})
    file.write_text(unit.text)
    done = subprocess.run(
        [str(ANALYZE), "verify", str(file)],
        capture_output=True,
        text=True,
        check=False,
        env={"SYSTEMD_LOG_LEVEL": "info"},
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_takes_a_file_of_the_environment_for_a_pattern(tmp_path: Path) -> None:
    text = unit_of("linux", ("/bin/akash-mcp", "watch"), Path("/home/a b/50%/*?[x]{y}/watch.env"), {}).text
    assert "EnvironmentFile=/home/a b/50%%/\\*\\?\\[x]\\{y}/watch.env\n" in text


def test_launchd_runs_the_program_with_the_environment_of_the_file(home: Path, tmp_path: Path) -> None:
    where = tmp_path / ODD
    where.mkdir()
    command(where)
    env_file = where / "watch.env"
    variables = {"AKASH_API_KEY": KEY, "AKASH_MCP_STATE_DIR": str(where)}
    env_file.write_text(environment_file(variables))
    agent = plistlib.loads(
        unit_of("darwin", (str(where / "akash-mcp"), "watch", "--every", "5"), env_file, {}).text.encode()
    )
    assert (agent["Label"], agent["RunAtLoad"], agent["KeepAlive"]) == (NAME, True, True)
    done = subprocess.run(agent["ProgramArguments"], capture_output=True, check=True, env={})
    assert json.loads(done.stdout) == [["watch", "--every", "5"], variables]


def test_launchd_takes_up_what_is_written_now(home: Path, calls: Callable[[], list[list[str]]]) -> None:
    watch_install.install(platform="darwin")
    domain = f"gui/{os.getuid()}"
    plist = home / "Library" / "LaunchAgents" / f"{NAME}.plist"
    assert plist.is_file()
    assert (home / "Library" / "Logs").is_dir()
    assert calls() == [
        ["launchctl", "bootout", f"{domain}/{NAME}"],
        ["launchctl", "bootstrap", domain, str(plist)],
    ]


TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def test_windows_gets_a_task_at_logon_without_an_end(
    calls: Callable[[], list[list[str]]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("USERDOMAIN", "R&D")
    monkeypatch.setenv("USERNAME", "ann")
    monkeypatch.setenv("LOGNAME", "ann")
    watch_install.install(platform="win32")
    file = platformdirs.user_config_path("akash-mcp", appauthor=False) / f"{NAME}.xml"
    task = ElementTree.fromstring(file.read_bytes())
    assert task.findtext(f"{TASK}Triggers/{TASK}LogonTrigger/{TASK}UserId") == "R&D\\ann"
    assert task.findtext(f"{TASK}Settings/{TASK}ExecutionTimeLimit") == "PT0S"
    assert calls() == [
        ["schtasks", "/Create", "/TN", NAME, "/XML", str(file), "/F"],
        ["schtasks", "/Run", "/TN", NAME],
    ]
    assert "It sees AKASH_API_KEY only where Windows keeps them for you (setx)" in capsys.readouterr().out


def test_windows_runs_the_program_wherever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    path = r"C:\Users\Ann & (Bob)\akash-mcp.exe"
    task = ElementTree.fromstring(unit_of("win32", (path, "watch"), None, {}).text.encode("utf-16"))
    line = task.findtext(f".//{TASK}Arguments") or ""
    assert line.startswith(f'/d /s /c ""{path}" watch 2>>"')
    assert line.endswith('watch.log""')
    with pytest.raises(BadSettings, match="%"):
        unit_of("win32", (r"C:\100%\akash-mcp.exe", "watch"), None, {})


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_path_with_a_line_end_is_refused(platform: str) -> None:
    with pytest.raises(BadSettings, match="control characters"):
        unit_of(platform, ("/a\n[Service]\nExecStart=/bin/evil", "watch"), None, {})
    with pytest.raises(BadSettings, match="AKASH_MCP_STATE_DIR holds a line end"):
        environment_file({"AKASH_MCP_STATE_DIR": "/a\nLD_PRELOAD=x"})


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=40).filter(str.isprintable))
def test_a_shell_reads_the_environment_as_it_was(value: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "watch.env"
        file.write_text(environment_file({"A": "first", "VALUE": value, "Z": "last"}), encoding="utf-8")
        script = 'set -a; . "$0"; exec "$@"'
        show = "import os, sys; sys.stdout.buffer.write(os.environb[b'VALUE'] + os.environb[b'Z'])"
        done = subprocess.run(
            ["/bin/sh", "-c", script, str(file), sys.executable, "-I", "-S", "-c", show],
            capture_output=True,
            check=True,
            env={},
        )
    assert done.stdout.decode() == f"{value}last"


# ── again, and back ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("platform", PLATFORMS)
def test_installing_again_changes_nothing(platform: str, home: Path) -> None:
    watch_install.install(platform=platform)
    before = files(home)
    watch_install.install(platform=platform)
    assert files(home) == before
    assert len(before) == (1 if platform == "win32" else 2)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_uninstalling_removes_what_was_written_and_nothing_else(
    platform: str, home: Path, calls: Callable[[], list[list[str]]]
) -> None:
    settings = platformdirs.user_config_path("akash-mcp", appauthor=False) / "config.toml"
    units = home / ".config" / "systemd" / "user" / "another.service"
    for other in (settings, units):
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_text("")
    before = files(home)
    watch_install.install(platform=platform)
    installed = len(calls())
    watch_install.uninstall(platform=platform)
    assert files(home) == before
    stopped = {
        "linux": [
            ["systemctl", "--user", "disable", "--now", f"{NAME}.service"],
            ["systemctl", "--user", "daemon-reload"],
        ],
        "darwin": [["launchctl", "bootout", f"gui/{os.getuid()}/{NAME}"]],
        "win32": [["schtasks", "/End", "/TN", NAME], ["schtasks", "/Delete", "/TN", NAME, "/F"]],
    }
    assert calls()[installed:] == stopped[platform]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_is_not_installed_is_not_uninstalled(
    platform: str, calls: Callable[[], list[list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch_install.uninstall(platform=platform) == 0
    assert "not installed" in capsys.readouterr().out
    assert calls() == []


@pytest.mark.parametrize("act", [watch_install.install, watch_install.uninstall])
@pytest.mark.parametrize("content", [b"[Service]\nExecStart=/mine\n", b"\xff\xfe\xff"])
def test_a_file_of_that_name_that_is_not_ours_is_left_alone(
    act: Callable[..., int], content: bytes, home: Path, calls: Callable[[], list[list[str]]]
) -> None:
    file = home / ".config" / "systemd" / "user" / f"{NAME}.service"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(BadSettings, match="left as it is"):
        act(platform="linux")
    assert files(home) == {file: content}
    assert not any("disable" in call for call in calls())


# ── where it cannot run ──────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_session_of_systemd_there_is_a_line_for_cron(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSED", "show-environment")
    with pytest.raises(BadSettings, match="no systemd user session here") as told:
        watch_install.install(platform="linux")
    assert f"*/5 * * * * {home}/bin/akash-mcp watch --once\n" in told.value.next_step
    assert (
        "Cron passes on nothing of this environment: put what AKASH_API_KEY says into" in told.value.next_step
    )
    assert KEY not in str(told.value)
    assert files(home) == {}


def test_without_systemd_there_is_a_line_for_cron_that_its_shell_reads_as_it_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_config_file(monkeypatch)
    where = tmp_path / ODD
    where.mkdir()
    command(where)
    install_program(where, tmp_path / "record of it", monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(BadSettings, match="this system has no systemd") as told:
        watch_install.install(platform="linux", every=30)
    (line,) = [line for line in told.value.next_step.splitlines() if line.startswith("*/30 * * * * ")]
    # cron takes the backslash off a percent sign, and ends the command at one that has none.
    shell = line.removeprefix("*/30 * * * * ").replace("\\%", "%")
    assert "%" not in line.replace("\\%", "")
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, check=True, env={})
    assert json.loads(done.stdout) == [["watch", "--once"], {}]
    assert "Cron passes on" not in told.value.next_step


def test_what_the_system_refuses_is_told_and_can_be_taken_back(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REFUSED", "enable")
    with pytest.raises(
        BadSettings, match=r"enable akash-mcp-watch\.service failed: cannot enable: no bus\."
    ) as told:
        watch_install.install(platform="linux")
    assert "the watch does not run" in str(told.value)
    monkeypatch.setenv("REFUSED", "disable")
    watch_install.uninstall(platform="linux")
    out, err = capsys.readouterr()
    assert "cannot disable: no bus" in err
    assert "It may still run until you log out." in out
    assert files(home) == {}


def test_a_folder_that_cannot_be_made_is_said(home: Path) -> None:
    (home / ".config").mkdir()
    (home / ".config" / "systemd").write_text("a file")
    with pytest.raises(BadSettings, match=rf"{NAME}\.service cannot be read: "):
        watch_install.install(platform="linux")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_folder_that_others_can_write_is_refused(home: Path) -> None:
    folder = home / ".config" / "akash-mcp"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with pytest.raises(BadSettings, match="Others could change what the watch does"):
        watch_install.install(platform="linux")
    assert files(home) == {}


# ── its arguments ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "words",
    [
        ("--install", "--uninstall"),
        ("--every", "0"),
        ("--every", "60"),
        ("--every", "1" * 5_000),
        ("--every", "²"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main.main(["watch", *words])
    assert capsys.readouterr().err.startswith("akash-mcp watch: --")
